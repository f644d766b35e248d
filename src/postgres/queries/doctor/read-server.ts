/** What a server says of itself, and of this session. Returns {@link ServerRow}. */
export const readServer = `select current_setting('server_version_num')::integer as version, current_setting('server_version') as version_text,
  current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit,
  current_setting('synchronous_standby_names') as synchronous_standby_names,
  current_setting('default_transaction_isolation') as isolation,
  pg_is_in_recovery() as in_recovery, pg_backend_pid() as backend, current_user as "user",
  (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms`

/** A row of {@link readServer}. */
export type ServerRow = {
  readonly version: number
  readonly version_text: string
  readonly fsync: string
  readonly full_page_writes: string
  readonly synchronous_commit: string
  readonly synchronous_standby_names: string
  readonly isolation: string
  readonly in_recovery: boolean
  /** The server process behind the connection. */
  readonly backend: number
  readonly user: string
  readonly now_ms: number
}
