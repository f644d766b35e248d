import { Pool } from 'pg'
import { migrate } from '../../../src/postgres/migrate.ts'
import { faultTables } from './fault-writers.ts'

/** A pool on a server that will be killed: lost connections are no errors of the test. */
export function faultPool(url: string, max: number = 8): Pool {
  const pool = new Pool({ connectionString: url, max, connectionTimeoutMillis: 3_000 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Makes the outbox and the tables of {@link FaultWriters}. */
export async function migrateFaults(pool: Pool): Promise<void> {
  await migrate({ database: pool, parts: ['outbox'] })
  await pool.query(faultTables)
}
