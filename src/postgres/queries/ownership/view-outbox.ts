import { checkpointColumns, newestCheckpoint, timelineOfServer } from '../relay/checkpoint-columns.ts'

/** The first key of the advisory locks by which relays show that they are there: `bkst` in ASCII. The second one is the oid of the outbox. */
const presenceClass = 0x626b7374

/** Shows that this session’s process serves the outbox, as long as the session lasts. `$1` the quoted name of the table, as text. */
export const showPresence = `select pg_advisory_lock_shared(${presenceClass}, $1::regclass::oid::bigint::bit(32)::integer)`

/**
 * Who owns which shard, how many relays there are, and what the server says of itself.
 *
 * A relay is counted while its session has the lock and has been used within `$2` milliseconds: a frozen process keeps its session, and must
 * not keep a share. Where the sessions of another role cannot be looked at, the lock alone counts.
 *
 * `$1` the quoted name of the table, as text. Returns for each shard `[in recovery, system identifier, timeline, snapshot, shard count,
 * settled count, hash, relays, backend, shard, owner, remaining ms]` and the columns of its newest checkpoint, which are null when there is none.
 */
export function viewOutbox(schema: string): string {
  return `select s.*, p.relays, pg_backend_pid(), k.shard, c.owner, (date_part('epoch', c.lease_until - clock_timestamp()) * 1000),
  ${checkpointColumns.map((name) => `c.${name}`).join(', ')}
from (
  select pg_is_in_recovery(), s.system_identifier, ${timelineOfServer}, pg_current_snapshot(), h.shard_count, h.settled_count, h.hash
  from pg_control_system() s, ${schema}.outbox_sharding h
) s
cross join (
  select count(*) as relays from pg_locks l
  where l.locktype = 'advisory' and l.granted and l.objsubid = 2
    and l.classid = ${presenceClass} and l.objid = $1::regclass::oid
    and l.database = (select oid from pg_database where datname = current_database())
    and (select coalesce(a.state = 'active' or a.state_change > clock_timestamp() - $2::integer * interval '1 millisecond', true)
      from pg_stat_get_activity(l.pid) a)
) p
cross join lateral generate_series(0, s.shard_count - 1) k (shard)
left join lateral ${newestCheckpoint(schema, 'k.shard')} c on true
order by k.shard`
}
