import { timelineOfServer } from '../relay/checkpoint-columns.ts'
import { newestCheckpoints } from './newest-checkpoints.ts'

/** Rows of the quarantine that are counted: whoever looks holds locks meanwhile. */
export const parkedMax = 10_000

/** What {@link describeOwnership} returns, one row for each checkpoint, or one with nulls when there is none. */
export type OwnershipRow = {
  readonly in_recovery: boolean
  readonly server: string
  readonly timeline: number
  readonly snapshot: string
  readonly shard_count: number
  readonly settled_count: number
  /** Quoted. */
  readonly sequence: string
  /** Rows in the quarantine, as many as are counted. */
  readonly parked: string
  readonly shard: number | null
  readonly number: string | null
  readonly epoch: string | null
  /** Who holds the lease, while it runs. */
  readonly owner: string | null
  readonly previous: string | null
  readonly current: string | null
  readonly system_identifier: string | null
  readonly low_water: string | null
  readonly sequence_high: string | null
}

/** The newest checkpoints of an outbox, and what the server says of itself. `$1` the quoted name of the table, as text. */
export function describeOwnership(schema: string): string {
  return `select pg_is_in_recovery() as in_recovery, s.system_identifier::text as server, (${timelineOfServer}) as timeline,
  pg_current_snapshot()::text as snapshot, h.shard_count, h.settled_count,
  (select quote_ident(n.nspname) || '.' || quote_ident(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = pg_get_serial_sequence($1, 'seq')::regclass) as sequence,
  (select count(*) from (select from ${schema}.outbox_quarantine limit ${parkedMax + 1}) q)::text as parked,
  c.shard, c.number::text as number, c.epoch::text as epoch, case when c.lease_until > clock_timestamp() then c.owner end as owner,
  c.previous::text as previous, c.current::text as current, c.system_identifier::text as system_identifier,
  c.low_water::text as low_water, c.sequence_high::text as sequence_high
from pg_control_system() s cross join ${schema}.outbox_sharding h left join ${newestCheckpoints(schema)} c on true
order by c.shard`
}
