import type { Shard } from '../../../relay/ownership/shard.ts'
import { andInShard } from './in-shard.ts'

/** Rows that are looked at. */
const rowsMax = 1_000
/** Rows of the quarantine that are counted. */
const parkedMax = 10_000

/**
 * What is not published yet. `$1` the previous snapshot, `$2` the current one or null, `$3` the position in its window, `$4` where the walk
 * along the sequence begins. Returns `[pending, age of the oldest in seconds or null, rows in the quarantine]`.
 *
 * Up to 1,000 rows are counted exactly; what lies behind them is taken from the sequence, so with its gaps, and in equal parts for all shards. Rows of transactions that were
 * under way at the previous snapshot and have a smaller `seq` are left out: there are few, and the next look takes them.
 */
export function measureBacklog(schema: string, sequence: string, shard: Shard): string {
  const whole = shard.count === 1
  return `with walked as (
  select seq, created_at, not pg_visible_in_snapshot(xid, $1::pg_snapshot)
      and ($2::pg_snapshot is null or seq > $3::bigint or not pg_visible_in_snapshot(xid, $2::pg_snapshot))${andInShard(shard)} as waits
  from ${schema}.outbox where seq > $4::bigint order by seq limit ${rowsMax}),
walk as (
  select count(*) filter (where waits) as waiting, count(*) as walked, max(seq) as last,
    extract(epoch from (clock_timestamp() at time zone 'UTC') - min(created_at) filter (where waits)) as age
  from walked)
select w.waiting + case when w.walked < ${rowsMax} then 0 else greatest(0, s.last_value - w.last)${whole ? '' : ` / ${shard.count}`} end, w.age,
  (select count(*) from (select from ${schema}.outbox_quarantine${whole ? '' : ` where shard = ${shard.number}`} limit ${parkedMax}) q)
from walk w, ${sequence} s`
}
