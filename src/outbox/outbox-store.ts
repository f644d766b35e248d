import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import type { OutboxRow } from './outbox-row.ts'

/** Writes outbox rows. */
export type OutboxStore = {
  /**
   * Inserts the rows in their order with one statement, inside the caller’s transaction.
   * @throws `TRANSACTION_UNSUPPORTED`, `SCHEMA_MISSING`
   */
  insert(tx: CallerTransaction, rows: readonly OutboxRow[]): Promise<void>
}
