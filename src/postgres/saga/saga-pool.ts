import { Pool, type PoolConfig } from 'pg'

/**
 * The planner of these sessions. Their statements are prepared once, perhaps while the tables are empty, and a plan that reads a whole
 * table is kept when it is large: then a batch of 200 takes 90 ms instead of 11. All of them can go by an index, and by a nested loop.
 * Costs that forbid the other plans would make the just-in-time compiler think the statements worth its while.
 */
const session = [
  'enable_seqscan = off',
  'enable_hashjoin = off',
  'enable_mergejoin = off',
  'jit = off',
  'plan_cache_mode = force_generic_plan',
  // Whoever holds a saga's row for longer is frozen, and loses its session in the end; until then the partition waits outside.
  "lock_timeout = '5s'",
]

/**
 * Makes the pool of an orchestrator: it connects like the pool that the user gave, which stays free for other work, with sessions of its
 * own settings. Statements are sent without waiting for the answers before them where the `pg` at hand can do that (from 8.23 on).
 *
 * @param connectionsMax partitions that are handled at the same time, and one each for timers and what was set aside
 */
export function sagaPool(like: Pool, connectionsMax: number): Pool {
  const { password, application_name: applicationName = 'backstitch orchestrator' } = like.options
  const options: PoolConfig & { pipeline: boolean } = {
    ...like.options,
    // A pool hides it from being copied.
    ...(password !== undefined && { password }),
    application_name: applicationName,
    max: connectionsMax,
    min: 0,
    keepAlive: true,
    connectionTimeoutMillis: like.options.connectionTimeoutMillis || 5_000,
    pipeline: true,
  }
  const pool = new Pool(options)
  pool.on('connect', (client) => {
    // In line before the first statement of whoever asked for the connection; what fails here fails there too.
    client.query(session.map((setting) => `set ${setting}`).join('; ')).catch(() => undefined)
  })
  return pool
}
