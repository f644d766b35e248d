import type { DatabaseFacts } from '../../../postgres/doctor/database-facts.ts'
import { type Judgement, ok, some, warn, wrong } from '../finding.ts'
import { type Drift, driftBetween } from './drift.ts'

/** Whether the tables are there in this version, and whether somebody has changed them. */
export function checkSchema(facts: DatabaseFacts): readonly Judgement[] {
  const { schema, expectedCatalog, actualCatalog } = facts
  const known = schema === undefined ? ok('schema', 'up to date') : outdated(schema)
  if (schema?.code === 'SCHEMA_MISSING' && actualCatalog.length === 0) return [known]
  if ('unknown' in expectedCatalog)
    return [
      known,
      warn(
        'drift',
        'could not be compared',
        `What the tables must look like is worked out in temporary tables: ${expectedCatalog.unknown}`,
        'Give the user the right TEMPORARY on the database, or run doctor as another user.',
      ),
    ]
  return [known, ...drift(driftBetween(expectedCatalog.value, actualCatalog))]
}

function outdated({ code, message }: { readonly code: string; readonly message: string }): Judgement {
  const newer = code === 'SCHEMA_NEWER'
  return wrong(
    'schema',
    code,
    message,
    newer ? 'Deploy the newer version of the package.' : 'Run `backstitch migrate`.',
  )
}

function drift({ missing, changed, added }: Drift): readonly Judgement[] {
  const judgements: Judgement[] = []
  const broken = [...missing.map((what) => `${what} is missing`), ...changed]
  if (broken.length > 0)
    judgements.push(
      wrong(
        'drift',
        some(broken, 5),
        'The tables are not as the migrations made them; statements may fail, be slow, or break a promise.',
        'Put it back: `backstitch migrate --sql` prints how it was made.',
      ),
    )
  if (added.length > 0)
    judgements.push(
      warn(
        'drift',
        `${some(added, 5)} ${added.length > 1 ? 'are' : 'is'} not ours`,
        'What somebody added to our tables costs every writer, and a later migration may not expect it.',
        'Drop it, or keep it elsewhere.',
      ),
    )
  return judgements.length > 0 ? judgements : [ok('drift', 'none')]
}
