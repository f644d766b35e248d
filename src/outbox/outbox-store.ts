import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import type { DeferredRow } from './due-time.ts'
import type { OutboxRow } from './outbox-row.ts'

/** Writes outbox rows. */
export type OutboxStore = {
  /**
   * Inserts the rows in their order with one statement, inside the caller’s transaction.
   * @throws `TRANSACTION_UNSUPPORTED`, `SCHEMA_MISSING`
   */
  insert(tx: CallerTransaction, rows: readonly OutboxRow[]): Promise<void>
}

/** All that an outbox asks of its database, always inside the caller’s transaction. Each call may throw what `insert` may. */
export type WriterStore = OutboxStore & {
  /** Keeps the rows until they are due, with one statement. */
  defer(tx: CallerTransaction, rows: readonly DeferredRow[]): Promise<void>
  /** Takes back a message that is not due yet. `false`: there is none with this id, or it is on its way already. */
  cancel(tx: CallerTransaction, id: string): Promise<boolean>
  /** Milliseconds since the oldest unpublished message was written; 0 when everything is published. Costs the same however many wait. */
  oldestAgeMs(tx: CallerTransaction): Promise<number>
  /** Runs the work under a savepoint: when it rejects, what it did in the transaction is undone, and the transaction goes on. */
  savepoint<Tx extends CallerTransaction, Result>(tx: Tx, work: (tx: Tx) => Promise<Result>): Promise<Result>
}
