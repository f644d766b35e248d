import type { OutboxStore } from '../outbox/outbox-store.ts'
import { explainSqlError } from './explain-sql-error.ts'
import { toExecutor } from './executor.ts'
import { insertOutboxRows } from './queries/outbox/insert-outbox-rows.ts'
import { quoteSchema } from './schema-name.ts'

/** Writes outbox rows through the caller’s transaction. */
export function pgOutboxStore(schemaName: string): OutboxStore {
  const statement = insertOutboxRows(quoteSchema(schemaName))
  return {
    insert: async (tx, rows) => {
      await toExecutor(tx)
        .query(statement, [JSON.stringify(rows)])
        .catch(explainSqlError(`${schemaName}.outbox`))
    },
  }
}
