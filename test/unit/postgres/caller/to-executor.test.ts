import knex from 'knex'
import { Pool } from 'pg'
import { describe, expect, test } from 'vitest'
import type { CallerTransaction } from '../../../../src/kernel/caller-transaction.ts'
import { toExecutor } from '../../../../src/postgres/caller/to-executor.ts'
import { insertOutboxRows } from '../../../../src/postgres/queries/outbox/insert-outbox-rows.ts'
import { codeThrownBy } from '../../thrown-code.ts'

/** As much of a knex transaction as the executor uses; it records what it was asked. */
function recordingTransaction() {
  const calls: { sql: string; bindings: readonly unknown[] }[] = []
  const raw = (sql: string, bindings: readonly unknown[]) => {
    calls.push({ sql, bindings })
    return Promise.resolve({ rows: [{ n: 1 }], rowCount: 1 })
  }
  return { calls, tx: { isTransaction: true, raw } as CallerTransaction }
}

describe('a knex transaction', () => {
  test('gets its own marks, with the values in the order of their use', async () => {
    const { calls, tx } = recordingTransaction()
    const result = await toExecutor(tx).query('select $2::int + $1::int, $2::text', [10, 20])
    expect(calls).toEqual([{ sql: 'select ?::int + ?::int, ?::text', bindings: [20, 10, 20] }])
    expect(result).toEqual({ rows: [{ n: 1 }], rowCount: 1 })
  })

  test('takes ten parameters and more', async () => {
    const { calls, tx } = recordingTransaction()
    const values = Array.from({ length: 12 }, (_, i) => i)
    await toExecutor(tx).query('select $12, $1, $10', values)
    expect(calls).toEqual([{ sql: 'select ?, ?, ?', bindings: [11, 0, 9] }])
  })

  test('needs no values', async () => {
    const { calls, tx } = recordingTransaction()
    await toExecutor(tx).query('select 1')
    expect(calls).toEqual([{ sql: 'select 1', bindings: [] }])
  })

  test('the outbox’s statement holds no question mark, which knex would take for a parameter', () => {
    expect(insertOutboxRows('"backstitch"')).not.toContain('?')
  })
})

test('an object with query is used as it is', () => {
  const tx: CallerTransaction = { query: () => Promise.resolve({ rows: [], rowCount: 0 }) }
  expect(toExecutor(tx)).toBe(tx)
})

describe('what has no transaction is refused', () => {
  test('a pool', async () => {
    const pool = new Pool()
    expect(codeThrownBy(() => toExecutor(pool as never))).toBe('TRANSACTION_UNSUPPORTED')
    await pool.end()
  })

  test('a knex instance', async () => {
    const instance = knex({ client: 'pg' })
    expect(codeThrownBy(() => toExecutor(instance))).toBe('TRANSACTION_UNSUPPORTED')
    await instance.destroy()
  })

  test.each<unknown>([undefined, null, 'tx', 7, {}, { query: 'select 1' }, { raw: true }, () => undefined])(
    '%s',
    (value) => {
      expect(codeThrownBy(() => toExecutor(value as CallerTransaction))).toBe('TRANSACTION_UNSUPPORTED')
    },
  )
})
