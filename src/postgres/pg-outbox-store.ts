import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import type { LastStatement } from '../kernel/database.ts'
import type { SqlExecutor } from '../kernel/sql-executor.ts'
import type { OutboxRow } from '../outbox/outbox-row.ts'
import type { WriterStore } from '../outbox/outbox-store.ts'
import { isPgClient } from './caller/pg-client.ts'
import { toExecutor } from './caller/to-executor.ts'
import { explainSqlError } from './explain-sql-error.ts'
import { type NamedStatement, namedStatement, runNamed } from './named-statement.ts'
import { deleteDeferredRow } from './queries/outbox/delete-deferred-row.ts'
import { insertDeferredRows } from './queries/outbox/insert-deferred-rows.ts'
import { insertOutboxRow } from './queries/outbox/insert-outbox-row.ts'
import { insertOutboxRows } from './queries/outbox/insert-outbox-rows.ts'
import { readOldestAge } from './queries/outbox/read-oldest-age.ts'
import { savepoint } from './caller/savepoint.ts'
import { quoteSchema } from './schema-name.ts'

/** Writes outbox rows through the caller’s transaction. */
export type PgOutboxStore = WriterStore & {
  /** The insert of some rows, to go to the server together with other statements. `undefined`: there are none. */
  insertion(rows: readonly OutboxRow[]): LastStatement | undefined
}

/**
 * Makes a {@link PgOutboxStore}.
 * @param options.preparedStatements clients of `pg` prepare the insert once for each connection. Default false: poolers in transaction mode may
 *   not know the names of prepared statements
 */
export function pgOutboxStore(
  schemaName: string,
  options: { readonly preparedStatements?: boolean } = {},
): PgOutboxStore {
  const schema = quoteSchema(schemaName)
  const insertOne = insertOutboxRow(schema)
  const insertMany = insertOutboxRows(schema)
  const deferMany = insertDeferredRows(schema)
  const deleteDeferred = deleteDeferredRow(schema)
  const oldestAge = readOldestAge(schema)
  const explain = explainSqlError(`${schemaName}.outbox`)
  const explainDeferred = explainSqlError(`${schemaName}.outbox_deferred`)
  const named = new Map<string, NamedStatement>()

  const run = async (
    tx: CallerTransaction,
    text: string,
    values: readonly string[],
  ): ReturnType<SqlExecutor['query']> => {
    const executor = toExecutor(tx)
    if (options.preparedStatements !== true || !isPgClient(executor)) return executor.query(text, values)
    return runNamed(executor, nameOf(text), values)
  }
  const nameOf = (text: string): NamedStatement => {
    let statement = named.get(text)
    if (!statement) named.set(text, (statement = namedStatement('enqueue', text)))
    return statement
  }
  const insertion = (rows: readonly OutboxRow[]): LastStatement | undefined => {
    const [first, ...others] = rows
    if (!first) return undefined
    const isOne = others.length === 0
    const { text, values } = isOne ? insertOne(first) : { text: insertMany, values: [JSON.stringify(rows)] }
    return {
      text,
      values,
      ...(options.preparedStatements === true && { name: nameOf(text).name }),
      literal: () => text.replace(/\$(\d+)/g, (_, n: string) => textLiteral(values[Number(n) - 1] ?? '')),
    }
  }

  return {
    insert: async (tx, rows) => {
      const statement = insertion(rows)
      if (statement) await run(tx, statement.text, statement.values).catch(explain)
    },
    insertion,
    defer: async (tx, rows) => {
      await run(tx, deferMany, [JSON.stringify(rows)]).catch(explainDeferred)
    },
    cancel: async (tx, id) => {
      const { rows } = await run(tx, deleteDeferred, [id]).catch(explainDeferred)
      return rows.length > 0
    },
    oldestAgeMs: async (tx) => {
      const { rows } = await toExecutor(tx).query<{ age_ms: number }>(oldestAge).catch(explain)
      return rows[0]?.age_ms ?? 0
    },
    savepoint,
  }
}

/** A text as Postgres reads it, whatever `standard_conforming_strings` says. */
function textLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}
