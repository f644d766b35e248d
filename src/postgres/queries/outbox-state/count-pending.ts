const counted = (rows: string): string =>
  `select count(*)::integer as rows, min(p.created_at) at time zone 'UTC' as oldest from (${rows}) p`

const inShard = (schema: string): string =>
  `($2::integer = 1 or ${schema}.outbox_shard(o.aggregateid, $2::integer) = $1::integer)`

/**
 * Rows of a shard that its checkpoint does not see, as many as are counted, by the index of transactions. `$1` the shard, `$2` the number of
 * shards, `$3` the previous snapshot, or null, `$4` how many are counted. Returns {@link PendingRow}.
 */
export function countPending(schema: string): string {
  return counted(`(select o.created_at from ${schema}.outbox o
    where o.xid >= coalesce(pg_snapshot_xmax($3::pg_snapshot), '0'::xid8) and ${inShard(schema)} order by o.xid, o.seq limit $4::integer)
  union all
  (select o.created_at from ${schema}.outbox o
    where o.xid = any (array(select pg_snapshot_xip($3::pg_snapshot))) and ${inShard(schema)} limit $4::integer)
  limit $4::integer`)
}

/**
 * The same while a window is read in pages: from its position on. Rows before it that the window does not see are left out; there are few,
 * and the next window has them. `$1` the shard, `$2` the number of shards, `$3` the previous snapshot, `$4` how many are counted, `$5` the
 * position. Returns {@link PendingRow}.
 */
export function countPendingOfWindow(schema: string): string {
  return counted(`select o.created_at from ${schema}.outbox o
  where o.seq > $5::bigint and not pg_visible_in_snapshot(o.xid, $3::pg_snapshot) and ${inShard(schema)} order by o.seq limit $4::integer`)
}

/** How many, and since when. */
export type PendingRow = { readonly rows: number; readonly oldest: Date | null }
