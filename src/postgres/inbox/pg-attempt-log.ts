import type { AttemptLog, AttemptPlace } from '../../inbox/attempts/attempt-log.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { type NamedStatement, namedStatement } from '../named-statement.ts'
import type { PgStatements } from '../pg-database.ts'
import { type AttemptsRow, takeAttempts } from '../queries/inbox/take-attempts.ts'
import { noteAttempts } from '../queries/inbox/note-attempts.ts'
import { quoteSchema } from '../schema-name.ts'

/** A statement of one row: what takes longer waits for a connection, or for a server that does not answer. */
const statementMsMax = 5_000

/** The log of attempts in Postgres, table `inbox_attempt`. Each write is one statement on a connection of the pool. */
export function pgAttemptLog(database: PgStatements, schemaName: string): AttemptLog {
  const schema = quoteSchema(schemaName)
  const take = namedStatement('take attempts', takeAttempts(schema))
  const note = namedStatement('note attempts', noteAttempts(schema))
  const place = ({ group, topic, partition }: AttemptPlace): unknown[] => [group, topic, partition]

  const run = async (statement: NamedStatement, values: readonly unknown[]) => {
    const late = new AbortController()
    const timer = setTimeout(
      () =>
        late.abort(
          new BackstitchError('DATABASE_UNREACHABLE', `It did not answer within ${statementMsMax} ms`),
        ),
      statementMsMax,
    )
    try {
      return await database
        .statement<AttemptsRow>(statement, values, late.signal)
        .catch(explainSqlError(`${schemaName}.inbox_attempt`))
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    take: async (at, owner) => {
      const [row] = (await run(take, [...place(at), owner])).rows
      if (row === undefined) throw new BackstitchError('UNEXPECTED', 'inbox_attempt: no row was returned')
      const { first_offset: first, last_offset: last } = row
      return {
        tenure: { owner, epoch: BigInt(row.epoch) },
        left: {
          range: first === null || last === null ? undefined : { first: BigInt(first), last: BigInt(last) },
          others: row.others.map(BigInt),
          alone: undefined,
          deaths: row.deaths.map(BigInt),
          isGivenBack: false,
        },
      }
    },
    note: async (at, { owner, epoch }, { range, others, alone, deaths, isGivenBack }) => {
      const { rowCount } = await run(note, [
        ...place(at),
        owner,
        text(epoch),
        text(range?.first),
        text(range?.last),
        others.map(String),
        text(alone),
        deaths.map(String),
        isGivenBack,
      ])
      return rowCount === 1
    },
  }
}

function text(number: bigint | undefined): string | null {
  return number === undefined ? null : String(number)
}
