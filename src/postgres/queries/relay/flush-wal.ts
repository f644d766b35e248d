/** How far the log is on disk. */
export const readFlushedTo = 'select pg_current_wal_flush_lsn()'

/**
 * Brings the log to disk: the smallest transaction that commits synchronously. A transaction without a record in the log would not be
 * waited for, hence the message; nobody reads it.
 */
export const flushWal = `select pg_logical_emit_message(true, 'backstitch', '')`
