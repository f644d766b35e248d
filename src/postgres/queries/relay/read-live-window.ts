import type { Shard } from '../../../relay/ownership/shard.ts'
import { andInShard } from './in-shard.ts'
import { outboxTupleWidth, outboxTuplesOf } from './outbox-tuple-columns.ts'

const nulls = (count: number): string => Array.from({ length: count }, () => 'null').join(', ')

/** Rows of all shards that a look at one shard goes through at most. */
const scannedRowsMax = 20_000

/**
 * One look at the outbox: the snapshot, the rows that have become visible since the one before, and how far the log is on disk, all in one
 * statement, so that the snapshot that is told is the one that the rows were read under, and no transaction is ever left open.
 *
 * `$1` xmax of the previous snapshot, `$2` its transactions in progress. The first row is `[null, snapshot, in recovery, end of the log,
 * last value of the sequence, backend, whether a part was cut]`, the last `[null, log on disk up to]`, between them are rows of the outbox.
 * `pageRows + 1` rows mean that there are more, and so does a part that was cut: what is there is then an arbitrary part, for nothing is
 * sorted before that is known.
 *
 * Three bounds keep a large open transaction from being read again at each look: only transactions that have ended are looked up, the
 * range of new ones ends at this snapshot’s xmax, and each part stops by itself after a page.
 *
 * Conditions on `seq` alone are left out on purpose, though they would prune partitions: with one, the primary key could serve too, and a
 * plan made while a leaf was empty, or while statistics knew of one bulk load, would walk it.
 *
 * With several shards the parts are cut before the rows of other shards are left out: a shard without rows would else go through the whole
 * backlog of the others at each look.
 */
export function readLiveWindow(
  schema: string,
  sequence: string,
  page: { readonly rows: number; readonly bytes: number },
  shard: Shard,
): string {
  const limit = page.rows + 1
  const recent = (limit: number): string => `(select * from ${schema}.outbox
      where xid >= $1::xid8 and xid < pg_snapshot_xmax(pg_current_snapshot()) limit ${limit})`
  const earlier = (limit: number): string => `(select * from ${schema}.outbox
      where xid = any (array(select x from unnest($2::xid8[]) x where pg_visible_in_snapshot(x, pg_current_snapshot()))) limit ${limit})`
  const scanned = Math.max(limit, Math.min(limit * shard.count, scannedRowsMax))
  const whole = shard.count === 1
  const parts = whole
    ? `${recent(limit)}
    union all
    ${earlier(limit)}`
    : `select * from recent where true${andInShard(shard)}
    union all
    select * from earlier where true${andInShard(shard)}`
  const cut = whole
    ? 'null'
    : `(greatest((select count(*) from recent), (select count(*) from earlier)) >= ${scanned})::text`
  return `${whole ? '' : `with recent as materialized ${recent(scanned)}, earlier as materialized ${earlier(scanned)}\n`}(select null::text, pg_current_snapshot()::text, pg_is_in_recovery()::text,
  case when pg_is_in_recovery() then null else pg_current_wal_insert_lsn()::text end,
  (case when is_called then last_value else last_value - 1 end)::text, pg_backend_pid()::text, ${cut}, ${nulls(outboxTupleWidth - 7)}
from ${sequence})
union all
(${outboxTuplesOf(
    `(
    ${parts}
    limit ${limit})`,
    page.bytes,
    true,
  )})
union all
(select null, case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn()::text end, ${nulls(outboxTupleWidth - 2)})`
}
