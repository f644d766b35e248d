import { outboxTupleWidth, outboxTuplesOf } from './outbox-tuple-columns.ts'

const nulls = (count: number): string => Array.from({ length: count }, () => 'null').join(', ')

/**
 * One look at the outbox: the snapshot, the rows that have become visible since the one before, and how far the log is on disk, all in one
 * statement, so that the snapshot that is told is the one that the rows were read under, and no transaction is ever left open.
 *
 * `$1` xmax of the previous snapshot, `$2` its transactions in progress. The first row is `[null, snapshot, in recovery, end of the log,
 * last value of the sequence, backend]`, the last `[null, log on disk up to]`, between them are rows of the outbox. `pageRows + 1` rows mean that
 * there are more: they are then an arbitrary part, for nothing is sorted before that is known.
 *
 * Three bounds keep a large open transaction from being read again at each look: only transactions that have ended are looked up, the
 * range of new ones ends at this snapshot’s xmax, and each part stops by itself after a page.
 *
 * Conditions on `seq` alone are left out on purpose, though they would prune partitions: with one, the primary key could serve too, and a
 * plan made while a leaf was empty, or while statistics knew of one bulk load, would walk it.
 */
export function readLiveWindow(
  schema: string,
  sequence: string,
  page: { readonly rows: number; readonly bytes: number },
): string {
  const limit = page.rows + 1
  const rows = `(
    (select * from ${schema}.outbox
      where xid >= $1::xid8 and xid < pg_snapshot_xmax(pg_current_snapshot()) limit ${limit})
    union all
    (select * from ${schema}.outbox
      where xid = any (array(select x from unnest($2::xid8[]) x where pg_visible_in_snapshot(x, pg_current_snapshot()))) limit ${limit})
    limit ${limit})`
  return `(select null::text, pg_current_snapshot()::text, pg_is_in_recovery()::text,
  case when pg_is_in_recovery() then null else pg_current_wal_insert_lsn()::text end,
  (case when is_called then last_value else last_value - 1 end)::text, pg_backend_pid()::text, ${nulls(outboxTupleWidth - 6)}
from ${sequence})
union all
(${outboxTuplesOf(rows, page.bytes, true)})
union all
(select null, case when pg_is_in_recovery() then null else pg_current_wal_flush_lsn()::text end, ${nulls(outboxTupleWidth - 2)})`
}
