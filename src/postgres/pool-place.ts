import type pg from 'pg'

/** The database of a pool as people know it, for messages: `db.example:5432/orders`. Never a user or a password. */
export function poolPlace(pool: pg.Pool): string {
  const { connectionString, host, port, database } = pool.options
  if (connectionString !== undefined && URL.canParse(connectionString)) {
    const url = new URL(connectionString)
    return `${url.host || 'localhost'}${url.pathname}`
  }
  return `${host ?? 'localhost'}${port === undefined ? '' : `:${port}`}${database === undefined ? '' : `/${database}`}`
}
