import { timelineOfServer } from '../relay/checkpoint-columns.ts'

/** Removes all checkpoints. Not by truncating: who looks meanwhile must not find none, and begin from the beginning. */
export function deleteCheckpoints(schema: string): string {
  return `delete from ${schema}.outbox_checkpoint`
}

/**
 * Writes a first checkpoint for each shard, owned by nobody. No save and no renewal of an earlier owner passes its epoch.
 * `$1` how many shards, `$2` number, `$3` epoch, `$4` the snapshot, `$5` below this `seq` nothing is unpublished, `$6` the sequence’s value.
 */
export function beginCheckpoints(schema: string): string {
  return `insert into ${schema}.outbox_checkpoint
  (slot, shard, number, epoch, owner, lease_until, previous, current, position, walk_from, low_water, sequence_high, system_identifier, timeline)
select ($2::bigint / 4096) % 2, k, $2::bigint, $3::bigint, null, clock_timestamp(), $4::pg_snapshot, null, 0, $5::bigint, $5::bigint, $6::bigint,
  s.system_identifier, ${timelineOfServer}
from pg_control_system() s cross join generate_series(0, $1::integer - 1) k`
}

/** Locks leases and checkpoints: they can be read, and nobody takes, renews or saves. */
export function lockCheckpoints(schema: string): string {
  return `lock table ${schema}.outbox_checkpoint in share row exclusive mode`
}

/** Locks writers and readers out of the outbox. */
export function lockOutbox(schema: string): string {
  return `lock table ${schema}.outbox in access exclusive mode`
}
