import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { DatabaseFacts } from '../../postgres/doctor/database-facts.ts'
import { readDatabaseFacts } from '../../postgres/doctor/read-database-facts.ts'
import type { Config, DatabaseConfig } from '../config.ts'
import { createPoolFromConfig } from '../from-config/create-pool-from-config.ts'
import { urlVariable } from '../config/merge-environment.ts'
import { partsOf } from '../from-config/parts-of.ts'
import { checkDatabase } from './database/check-database.ts'
import { type Finding, type Judgement, ok, wrong } from './finding.ts'

/** What came of one database. */
export type ExaminedDatabase = {
  readonly findings: readonly Finding[]
  /** `undefined` where it could not be read. */
  readonly facts: DatabaseFacts | undefined
}

/** Connects to a database of the configuration once, reads and judges it. Never rejects for what the database is to blame for. */
export async function examineDatabase(config: Config, database: DatabaseConfig): Promise<ExaminedDatabase> {
  const { name: subject, url, schema } = database
  const about = (judgements: readonly Judgement[]): readonly Finding[] =>
    judgements.map((judgement) => ({ subject, ...judgement }))
  if (url === undefined)
    return {
      facts: undefined,
      findings: about([
        wrong(
          'connection',
          'it has no url',
          'Nothing can work on it.',
          `Set ${urlVariable(subject)}, or DATABASE_URL where it is the only one.`,
        ),
      ]),
    }
  const pool = createPoolFromConfig({ ...database, url }, 'backstitch doctor')
  try {
    const facts = await readDatabaseFacts({ pool, schema, parts: partsOf(config, database) })
    const connected = ok('connection', `answers in ${facts.connection.roundTripMs} ms`)
    return { facts, findings: about([connected, ...checkDatabase(facts)]) }
  } catch (thrown) {
    const unreachable = isBackstitchError(thrown, 'DATABASE_UNREACHABLE')
    return {
      facts: undefined,
      findings: about([
        wrong(
          'connection',
          reasonOf(isBackstitchError(thrown) ? (thrown.cause ?? thrown) : thrown),
          unreachable
            ? 'The database does not answer; processes wait for it.'
            : 'The database could not be examined.',
          unreachable
            ? 'Check its address and that it runs.'
            : 'Check the user, the password, the name of the database, and the certificates where it speaks TLS.',
        ),
      ]),
    }
  } finally {
    await pool.end()
  }
}
