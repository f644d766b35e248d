import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import type { OutboxRow } from './outbox-row.ts'

/**
 * Opens a transaction, hands it to the work, and commits when the work resolves, or rolls back when it rejects. Every library has one.
 * @example (work) => knex.transaction(work)
 * @example (work) => kysely.transaction().execute(work)
 * @example (work) => prisma.$transaction(work)
 */
export type TransactionRunner<Tx extends CallerTransaction> = (
  work: (tx: Tx) => Promise<void>,
) => Promise<unknown>

/** Transactions that can insert the rows of the outbox in the same round trip as their commit. */
export type CommittingTransactions<Tx extends CallerTransaction> = {
  /** Runs the work, inserts the rows that it resolves with, and commits. */
  commitWith(work: (tx: Tx) => Promise<readonly OutboxRow[]>): Promise<void>
}
