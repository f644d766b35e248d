import { Pool } from 'pg'
import type { KnownDatabase } from './choose-databases.ts'

/**
 * A pool for a database of the configuration. Whoever makes it ends it.
 * @param applicationName what `pg_stat_activity` shows
 */
export function createPoolFromConfig({ url, ssl }: KnownDatabase, applicationName: string): Pool {
  const pool = new Pool({
    connectionString: url,
    ...(ssl !== undefined && { ssl }),
    application_name: applicationName,
    // A host that swallows packets must not hold up the line that says what is waited for.
    connectionTimeoutMillis: 5_000,
    // The pool alone must not keep a process alive that has nothing left to do.
    allowExitOnIdle: true,
  })
  // A connection that is lost while idle is gone from the pool already; without a listener it would end the process.
  pool.on('error', () => undefined)
  return pool
}
