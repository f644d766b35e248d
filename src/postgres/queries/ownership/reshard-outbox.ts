import { shardOfKey } from '../relay/in-shard.ts'
import { newestCheckpoints } from './newest-checkpoints.ts'

/**
 * Rows that some shard has published and that a snapshot does not show: they will be published again. `$1` the snapshot, `$2` its xmin, as
 * text. Returns `[resent]`.
 */
export function countResent(schema: string): string {
  return `select count(*)::text as resent
from ${schema}.outbox o cross join ${schema}.outbox_sharding h
join ${newestCheckpoints(schema)} c on c.shard = case when h.settled_count = 1 then 0 else ${shardOfKey('o.aggregateid', 'h.settled_count')} end
where o.xid >= $2::xid8 and not pg_visible_in_snapshot(o.xid, $1::pg_snapshot)
  and (pg_visible_in_snapshot(o.xid, c.previous)
    or (c.current is not null and o.seq <= c.position and pg_visible_in_snapshot(o.xid, c.current)))
  and not exists (select from ${schema}.outbox_settled s where s.seq = o.seq and s.id = o.id)`
}

/** Sets the number of shards, `$1`. */
export function setShardCount(schema: string): string {
  return `update ${schema}.outbox_sharding set shard_count = $1::smallint, settled_count = $1::smallint`
}

/**
 * Moves the next rows of the quarantine into their shards of `$1`: those after the `seq` `$2`, `$3` of them. Returns `[last seq]`, null when there
 * were none left.
 */
export function reshardQuarantine(schema: string): string {
  return `with page as materialized (
  select seq, aggregateid, shard from ${schema}.outbox_quarantine where seq > $2::bigint order by seq limit $3::integer
), moved as (
  update ${schema}.outbox_quarantine q set shard = s.shard
  from (select seq, ${schema}.outbox_shard(aggregateid, $1::integer)::smallint as shard, shard as before from page) s
  where q.seq = s.seq and s.shard <> s.before
)
select max(seq)::text as last from page`
}
