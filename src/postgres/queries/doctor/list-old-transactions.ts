/**
 * Transactions that have been open for long, prepared ones too, in any database of the cluster: each keeps vacuum from removing dead rows.
 * `$1` seconds. Returns {@link OldTransactionRow}, the oldest first, at most ten. Sessions of others show little without `pg_monitor`.
 */
export const listOldTransactions = `select * from (
  select 'open' as kind, a.pid::text as name, coalesce(a.usename, '') as owner, coalesce(a.datname, '') as database,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 as age_seconds
  from pg_stat_activity a where a.xact_start < clock_timestamp() - make_interval(secs => $1::float8) and a.backend_type = 'client backend'
  union all
  select 'prepared', p.gid, p.owner, p.database, extract(epoch from clock_timestamp() - p.prepared)::float8
  from pg_prepared_xacts p where p.prepared < clock_timestamp() - make_interval(secs => $1::float8)) old
order by age_seconds desc limit 10`

/** A row of {@link listOldTransactions}. */
export type OldTransactionRow = {
  readonly kind: 'open' | 'prepared'
  /** The server process, or the name of the prepared transaction. */
  readonly name: string
  readonly owner: string
  readonly database: string
  readonly age_seconds: number
}
