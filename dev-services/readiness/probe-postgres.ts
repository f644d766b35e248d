import { Client } from 'pg'

const CONNECT_WITHIN_MS = 1_000

/** Resolves when the Postgres at `url` answers `select 1`; rejects otherwise, within about a second. */
export async function probePostgres(url: string): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: CONNECT_WITHIN_MS,
  })
  client.on('error', () => {}) // the query's own rejection tells
  try {
    await client.connect()
    await client.query('select 1')
  } finally {
    await client.end().catch(() => {})
  }
}
