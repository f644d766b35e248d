import { checkpointColumns, newestCheckpoint, timelineOfServer } from './checkpoint-columns.ts'

/**
 * Takes the lease, with the checkpoint, if nobody has it: there is no checkpoint yet, it was released, its time is over, or it was ours.
 * The first checkpoint ever stands before all transactions, `1:1:`. Of two who try at once the primary key refuses one (23505).
 * Nor is it taken when the number of shards is another than the one that the taker knows.
 * `$1` the shard, `$2` the owner, `$3` milliseconds, `$4` the number of shards. Returns the new checkpoint, or nothing.
 */
export function acquireLease(schema: string): string {
  return `insert into ${schema}.outbox_checkpoint
  (slot, shard, number, epoch, owner, lease_until, previous, current, position, walk_from, low_water, sequence_high, system_identifier, timeline)
select ((coalesce(c.number, 0) + 1) / 4096) % 2, $1::smallint, coalesce(c.number, 0) + 1, coalesce(c.epoch, 0) + 1, $2::text,
  clock_timestamp() + $3::integer * interval '1 millisecond', coalesce(c.previous, '1:1:'), c.current, coalesce(c.position, 0),
  coalesce(c.walk_from, 0), coalesce(c.low_water, 0), coalesce(c.sequence_high, 0), s.system_identifier, ${timelineOfServer}
from pg_control_system() s left join lateral ${newestCheckpoint(schema)} c on true
where exists (select from ${schema}.outbox_sharding h where h.shard_count = $4::smallint and h.settled_count = $4::smallint)
  and (c.number is null or (c.system_identifier = s.system_identifier and (c.owner is null or c.owner = $2::text or c.lease_until < clock_timestamp())))
returning ${checkpointColumns.join(', ')}`
}
