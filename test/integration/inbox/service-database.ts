import { Pool, type PoolConfig } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { migrate } from '../../../src/postgres/migrate.ts'
import { createDatabase } from '../../support/services.ts'

/**
 * A database for a test file, with the tables of a service and one of its own, `effect (name)`, which takes the same name any number of
 * times: what is applied twice shows.
 */
export function serviceDatabase(options: { readonly max?: number } = {}): {
  readonly pool: () => Pool
  readonly newPool: (settings?: PoolConfig) => Pool
  readonly rows: <Row extends Record<string, unknown>>(sql: string, values?: unknown[]) => Promise<Row[]>
  readonly effects: () => Promise<string[]>
} {
  const pools: Pool[] = []
  let url = ''
  const newPool = (settings: PoolConfig = {}): Pool => {
    const pool = new Pool({ connectionString: url, max: 8, ...settings })
    pools.push(pool)
    return pool
  }
  const pool = (): Pool => pools[0]!
  beforeAll(async () => {
    url = (await createDatabase()).url
    newPool(options)
    await migrate({ database: pool(), parts: ['outbox', 'inbox', 'participant'] })
    await pool().query('create table effect (at bigint generated always as identity, name text not null)')
  })
  afterAll(async () => {
    await Promise.all(pools.map((each) => each.end()))
  })
  const rows = async <Row extends Record<string, unknown>>(
    sql: string,
    values: unknown[] = [],
  ): Promise<Row[]> => (await pool().query<Row>(sql, values)).rows
  return {
    pool,
    newPool,
    rows,
    effects: async () =>
      (await rows<{ name: string }>('select name from effect order by at')).map(({ name }) => name),
  }
}
