import type { LetterStore } from '../../inbox/letters/letter-store.ts'
import type { SqlExecutor, SqlRow } from '../../kernel/sql-executor.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { type NamedStatement, namedStatement, runNamed } from '../named-statement.ts'
import { standInLine } from '../queries/inbox/claim-message.ts'
import { removeLetters } from '../queries/inbox/remove-letters.ts'
import {
  failLetter,
  giveLetterBack,
  lockKeyOfLetter,
  lockLetter,
  takeDueLetters,
  type TakenLetterRow,
  untilDueLetter,
} from '../queries/inbox/take-letters.ts'
import { restoredHeaders } from '../saga/restored-headers.ts'
import { quoteSchema } from '../schema-name.ts'

/** The dead letters that are to be handled again, in Postgres, through transactions of `pgDatabase`. */
export function pgLetterStore(schemaName: string): LetterStore {
  const schema = quoteSchema(schemaName)
  const take = namedStatement('take letters', takeDueLetters(schema))
  const until = namedStatement('until letter', untilDueLetter(schema))
  const line = namedStatement('line', standInLine())
  const lockKey = namedStatement('lock key', lockKeyOfLetter(schema))
  const lock = namedStatement('lock letter', lockLetter(schema))
  const remove = namedStatement('remove letters', removeLetters(schema))
  const fail = namedStatement('fail letter', failLetter(schema))
  const giveBack = namedStatement('give letter back', giveLetterBack(schema))
  const run = async <Row extends SqlRow>(
    tx: SqlExecutor,
    statement: NamedStatement,
    values: readonly unknown[],
  ): Promise<Row[]> => {
    const { rows } = await runNamed<Row>(tx, statement, values).catch(
      explainSqlError(`${schemaName}.dead_letter`),
    )
    return rows
  }
  return {
    takeDue: async (tx, group, { limit, leaseMs }) => {
      const rows = await run<TakenLetterRow>(tx, take, [group, limit, leaseMs])
      return rows.map((row) => ({
        id: row.id,
        messageId: row.message_id,
        tries: row.tries,
        isInLine: row.is_in_line,
        record: {
          topic: row.topic,
          partition: row.partition,
          offset: BigInt(row.offset),
          key: row.message_key,
          value: row.payload,
          headers: restoredHeaders(row.headers),
          timestampMs: Number(row.record_time_ms),
        },
      }))
    },
    untilDueMs: async (tx, group) =>
      (await run<{ ms: number | null }>(tx, until, [group]))[0]?.ms ?? undefined,
    lock: async (tx, group, { id, messageId, tries, isInLine, record }, lockOn) => {
      if (lockOn !== undefined) await run(tx, line, [lockOn])
      if (isInLine) await run(tx, lockKey, [group, record.topic, record.key])
      return (await run(tx, lock, [id, messageId, tries])).length === 1
    },
    settle: async (tx, { id }) => {
      await run(tx, remove, [[id]])
    },
    fail: async (tx, { id, messageId, tries }, { reasonCode, reason, stack, retryAfterMs }) => {
      await run(tx, fail, [id, messageId, tries, reasonCode, reason, stack ?? null, retryAfterMs ?? null])
    },
    giveBack: async (tx, { id, messageId, tries }, afterMs) => {
      await run(tx, giveBack, [id, messageId, tries, afterMs])
    },
  }
}
