import type { CallerTransaction } from '../../kernel/caller-transaction.ts'
import { isFunction } from './caller-library.ts'
import { toExecutor } from './to-executor.ts'

/** Savepoints of one name hide each other, so that nested ones need no others. */
const name = 'backstitch_unit'

/**
 * Runs work under a savepoint of the caller’s transaction: when it rejects, what it wrote is undone, and the transaction goes on.
 *
 * postgres.js fails a whole transaction for the error of any statement in it, unless it made the savepoint itself, and hands an object of
 * its own to the work. So does Drizzle, which may have postgres.js beneath it.
 */
export async function savepoint<Tx extends CallerTransaction, Result>(
  tx: Tx,
  work: (tx: Tx) => Promise<Result>,
): Promise<Result> {
  const own = ownSavepoint<Tx>(tx)
  if (own) return own(work)
  const executor = toExecutor(tx)
  await executor.query(`savepoint ${name}`)
  try {
    const result = await work(tx)
    await executor.query(`release savepoint ${name}`)
    return result
  } catch (thrown) {
    // where this fails too the connection is gone, and what the work threw says more
    await executor.query(`rollback to savepoint ${name}`).catch(() => undefined)
    await executor.query(`release savepoint ${name}`).catch(() => undefined)
    throw thrown
  }
}

type Savepoint<Tx> = <Result>(work: (tx: Tx) => Promise<Result>) => Promise<Result>

function ownSavepoint<Tx>(tx: unknown): Savepoint<Tx> | undefined {
  const candidate = tx as {
    savepoint?: unknown
    unsafe?: unknown
    rollback?: unknown
    execute?: unknown
    transaction?: unknown
  }
  const isPostgresJs = isFunction(tx) && isFunction(candidate.savepoint) && isFunction(candidate.unsafe)
  if (isPostgresJs) return (candidate.savepoint as Savepoint<Tx>).bind(tx)
  const isDrizzle =
    isFunction(candidate.execute) && isFunction(candidate.rollback) && isFunction(candidate.transaction)
  return isDrizzle ? (candidate.transaction as Savepoint<Tx>).bind(tx) : undefined
}
