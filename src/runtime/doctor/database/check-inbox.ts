import type { DatabaseFacts } from '../../../postgres/doctor/database-facts.ts'
import { type Judgement, ok, some, warn, wrong } from '../finding.ts'

const absentAfterMs = 7 * 86_400_000

/** The groups of the inbox: whether one of them that is not there any more holds old rows for all. */
export function checkInbox({ groups, server }: DatabaseFacts): readonly Judgement[] {
  if (groups === undefined) return []
  if ('unknown' in groups)
    return [wrong('groups', groups.unknown, 'They cannot be read.', 'See the checks schema and rights.')]
  const absent = groups.value.filter(({ seen_at }) => server.now_ms - seen_at.getTime() > absentAfterMs)
  if (absent.length === 0) return [ok('groups', `${groups.value.length} use the inbox`)]
  const names = absent.map(({ group, seen_at }) => `${group} (${seen_at.toISOString().slice(0, 10)})`)
  return [
    warn(
      'groups',
      `not there for a week: ${some(names)}`,
      'What they had last is kept in the inbox for them, and with it the rows of all groups from then on.',
      'Start them, or let go of those that will not come back: `backstitch group forget <group> --reason ...`.',
    ),
  ]
}
