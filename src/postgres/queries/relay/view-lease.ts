import { checkpointColumns, newestCheckpoint, timelineOfServer } from './checkpoint-columns.ts'

/**
 * Who owns the outbox, and what the server says of itself.
 * `$1` the shard. Returns `[in recovery, system identifier, timeline, snapshot, owner, remaining ms]` and the columns of the
 * newest checkpoint, which are null when there is none.
 */
export function viewLease(schema: string): string {
  return `select pg_is_in_recovery(), s.system_identifier, ${timelineOfServer}, pg_current_snapshot(), c.owner,
  (date_part('epoch', c.lease_until - clock_timestamp()) * 1000), ${checkpointColumns.map((name) => `c.${name}`).join(', ')}
from pg_control_system() s left join lateral ${newestCheckpoint(schema)} c on true`
}
