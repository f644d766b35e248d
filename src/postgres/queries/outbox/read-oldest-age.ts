/**
 * How long the oldest unpublished message has waited. One row is looked up in each of three places, so that it costs the same with any
 * backlog and beside any open transaction: after the newest snapshot that a checkpoint knows, among the transactions that were open in it,
 * and in the window that is being published. No parameters. Returns `age_ms`, 0 when there is none.
 */
export function readOldestAge(schema: string): string {
  const ofShard = `(n.shard_count = 1 or ${schema}.outbox_shard(o.aggregateid, n.shard_count) = n.shard)`
  const oldest = (where: string, order: string): string =>
    `(select o.created_at from ${schema}.outbox o where ${where} and ${ofShard} order by ${order} limit 1)`
  return `select coalesce(max(extract(epoch from clock_timestamp() at time zone 'UTC' - first.created_at)) * 1000, 0)::float8 as age_ms
from (select s.shard_count::integer as shard_count, shard::smallint as shard
  from ${schema}.outbox_sharding s, generate_series(0, s.shard_count - 1) shard) n
left join lateral (select previous, current, position from ${schema}.outbox_checkpoint c
  where c.shard = n.shard order by c.number desc limit 1) saved on true
cross join lateral (select coalesce(saved.current, saved.previous, '1:1:') as snapshot) known
cross join lateral (
  ${oldest('o.xid >= pg_snapshot_xmax(known.snapshot)', 'o.xid, o.seq')}
  union all
  ${oldest('o.xid = any (array(select pg_snapshot_xip(known.snapshot)))', 'o.xid, o.seq')}
  union all
  ${oldest(
    'saved.current is not null and o.seq > saved.position and pg_visible_in_snapshot(o.xid, saved.current) and not pg_visible_in_snapshot(o.xid, saved.previous)',
    'o.seq',
  )}
) first`
}
