import type { CallerTransaction } from '../../kernel/caller-transaction.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { TransactionRunner } from '../../outbox/transaction-runner.ts'
import type { TransactionSource } from '../../outbox/transaction-source.ts'
import { isFunction, noTransaction } from './caller-library.ts'
import { toExecutor } from './to-executor.ts'

type Work = (tx: CallerTransaction) => Promise<void>
type Open = (work: Work) => Promise<unknown>

/**
 * Opens the transactions of a library, by what the library has for it.
 * @throws `TRANSACTION_UNSUPPORTED` it opens none, or is a transaction itself: one within it would not be committed by its own commit
 */
export function transactionsOf(source: TransactionSource): TransactionRunner<CallerTransaction> {
  if (isTransaction(source))
    throw noTransaction('This is a transaction already: use a savepoint, or a unit of work of your own in it')
  const { $transaction, begin, transaction } = source as unknown as Readonly<Record<string, unknown>>
  const open = [$transaction, begin, transaction].find(isFunction)?.bind(source)
  if (!open) throw noTransaction('This opens no transactions')
  // Kysely begins with an object that runs the work
  if (isFunction((source as { executeQuery?: unknown }).executeQuery))
    return (work) => (open() as { execute: Open }).execute(work)
  return open as Open
}

function isTransaction(source: TransactionSource): boolean {
  try {
    toExecutor(source as unknown as CallerTransaction)
    return true
  } catch (thrown) {
    if (thrown instanceof BackstitchError) return false
    throw thrown
  }
}
