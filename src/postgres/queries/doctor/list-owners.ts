/**
 * Who owns the shards of an outbox, and whether the newest checkpoint of each is of this very database: that of another cluster, or of a later
 * state of this one, says nothing about it. Returns {@link OwnerRow}.
 */
export function listOwners(schema: string): string {
  return `select k.shard::integer as shard, c.owner is not null and c.lease_until > clock_timestamp() as is_owned, c.owner,
  coalesce(c.system_identifier <> s.system_identifier, false) as is_foreign,
  coalesce(pg_snapshot_xmax(coalesce(c.current, c.previous)) > pg_snapshot_xmax(pg_current_snapshot()), false) as is_ahead
from pg_control_system() s cross join ${schema}.outbox_sharding h
cross join lateral generate_series(0, h.shard_count - 1) k (shard)
left join lateral (select * from ${schema}.outbox_checkpoint where shard = k.shard order by number desc limit 1) c on true
order by k.shard`
}

/** A row of {@link listOwners}. */
export type OwnerRow = {
  readonly shard: number
  readonly is_owned: boolean
  readonly owner: string | null
  readonly is_foreign: boolean
  readonly is_ahead: boolean
}
