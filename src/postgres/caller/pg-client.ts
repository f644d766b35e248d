import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import { type CallerLibrary, isFunction, noTransaction } from './caller-library.ts'

/**
 * A client of `pg`, or any other object with `query(text, values)`. A pool is refused, for each of its statements may run on another
 * connection; so is a client that says, as those of pg 8.20 and newer do, that it is idle outside of any transaction.
 */
export const pgClient: CallerLibrary = (candidate) => {
  if (!isFunction(candidate['query'])) return undefined
  if (candidate['totalCount'] !== undefined)
    throw noTransaction('This is a pool, which has no transaction: take a client of it')
  if (isIdleOutsideTransactions(candidate))
    throw noTransaction('No transaction is open on this client: begin one before')
  return candidate as unknown as SqlExecutor
}

/** Whether it is a client of `pg` itself, which can prepare statements by name. */
export function isPgClient(executor: SqlExecutor): boolean {
  return isFunction((executor as { escapeIdentifier?: unknown }).escapeIdentifier)
}

/** A `begin` may be on its way, or wait in the queue of the client: then nobody knows yet. */
function isIdleOutsideTransactions(client: Readonly<Record<PropertyKey, unknown>>): boolean {
  const { getTransactionStatus, readyForQuery, _queryQueue: queue } = client
  if (!isFunction(getTransactionStatus) || readyForQuery !== true) return false
  const isWaiting = Array.isArray(queue) && queue.length > 0
  return !isWaiting && getTransactionStatus.call(client) === 'I'
}
