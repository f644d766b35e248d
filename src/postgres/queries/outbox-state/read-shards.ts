/** The shards of an outbox, each with its newest checkpoint. Returns {@link ShardRow}. */
export function readShards(schema: string): string {
  return `select k.shard::integer as shard, h.shard_count::integer as shards, c.owner,
  coalesce(date_part('epoch', c.lease_until - clock_timestamp()) * 1000, 0)::float8 as remaining_ms, coalesce(c.epoch, 0)::text as epoch,
  c.saved_at, c.previous::text as previous, c.current::text as current, c.position::text as position, c.sequence_high::text as sequence_high
from ${schema}.outbox_sharding h
cross join lateral generate_series(0, h.shard_count - 1) k (shard)
left join lateral (select * from ${schema}.outbox_checkpoint where shard = k.shard order by number desc limit 1) c on true
order by k.shard`
}

/** A shard. All of the checkpoint is null where there is none. */
export type ShardRow = {
  readonly shard: number
  readonly shards: number
  readonly owner: string | null
  readonly remaining_ms: number
  readonly epoch: string
  readonly saved_at: Date | null
  readonly previous: string | null
  readonly current: string | null
  readonly position: string | null
  readonly sequence_high: string | null
}
