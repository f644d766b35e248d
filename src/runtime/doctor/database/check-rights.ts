import type { DatabaseFacts } from '../../../postgres/doctor/database-facts.ts'
import { type Judgement, ok, some, warn, wrong } from '../finding.ts'

/** What the user of the database may do, as far as the configured parts need it. */
export function checkRights({ missingRights, server }: DatabaseFacts): readonly Judgement[] {
  const { user } = server
  if ('unknown' in missingRights)
    return [
      wrong(
        'rights',
        `${user}: ${missingRights.unknown}`,
        'The user cannot even look into the schema.',
        `grant usage on schema ... to ${user};`,
      ),
    ]
  const missing = missingRights.value.filter(({ kind }) => kind !== 'owner')
  const notOwned = missingRights.value.filter(({ kind }) => kind === 'owner').map(({ name }) => name)
  const judgements: Judgement[] = []
  if (missing.length > 0)
    judgements.push(
      wrong(
        'rights',
        `${user} lacks ${some(missing.map(({ name, right }) => `${right} on ${name}`))}`,
        'The processes that use this database fail at their first statement, or later.',
        missing.map(({ kind, name, right }) => `grant ${right} on ${kind} ${name} to ${user};`).join(' '),
      ),
    )
  if (notOwned.length > 0)
    judgements.push(
      warn(
        'ownership',
        `${user} does not own ${some(notOwned)}`,
        'It can neither empty old checkpoints, which then pile up, nor make the leaves of the inbox ahead.',
        `Connect as the owner, or as a member of that role: grant <owner> to ${user};`,
      ),
    )
  return judgements.length > 0 ? judgements : [ok('rights', `${user} may do all that is needed`)]
}
