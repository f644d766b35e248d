import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import { BackstitchError } from '../kernel/errors.ts'
import type { SqlExecutor } from '../kernel/sql-executor.ts'

type Raw = (sql: string, bindings: readonly unknown[]) => Promise<Awaited<ReturnType<SqlExecutor['query']>>>

/**
 * Makes one executor of whatever transaction the caller has: a `pg` client, a knex transaction, or an object with `query(text, values)`.
 * Pools are refused, for each of their statements may run on another connection.
 *
 * @throws `TRANSACTION_UNSUPPORTED`
 */
export function toExecutor(tx: CallerTransaction): SqlExecutor {
  const candidate = tx as {
    query?: unknown
    raw?: unknown
    isTransaction?: unknown
    totalCount?: unknown
  } | null
  if (candidate && typeof candidate.raw === 'function') {
    if (candidate.isTransaction !== true)
      throw new BackstitchError('TRANSACTION_UNSUPPORTED', 'This is a knex instance, not a transaction of it')
    return knexExecutor(candidate.raw.bind(candidate) as Raw)
  }
  if (candidate && typeof candidate.query === 'function') {
    if (candidate.totalCount !== undefined)
      throw new BackstitchError(
        'TRANSACTION_UNSUPPORTED',
        'This is a pool, which has no transaction: take a client of it',
      )
    return candidate as SqlExecutor
  }
  throw new BackstitchError(
    'TRANSACTION_UNSUPPORTED',
    `It is ${candidate === null ? 'null' : `a ${typeof candidate}`}`,
  )
}

/** knex numbers its own parameters: each `$n` becomes a `?` with the n-th value. Our statements hold no other question mark. */
function knexExecutor(raw: Raw): SqlExecutor {
  return {
    query: async (text, values = []) => {
      const bindings: unknown[] = []
      const sql = text.replace(/\$(\d+)/g, (_, n: string) => {
        bindings.push(values[Number(n) - 1])
        return '?'
      })
      return (await raw(sql, bindings)) as never
    },
  }
}
