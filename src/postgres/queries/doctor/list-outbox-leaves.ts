/**
 * The leaves of an outbox. `$1` the quoted name of the table, as text. Returns {@link OutboxLeafRow}. The end of a leaf is the `seq` that it
 * ends before.
 */
export const listOutboxLeaves = `select c.relname as name, c.oid::regclass::text as place, c.oid = p.partdefid as is_default,
  substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''(\\d+)''\\)$') as ends_before,
  exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'c'
    and pg_get_constraintdef(k.oid) like 'CHECK ((xid = pg_current_xact_id()))%') as has_own_xid_check
from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_partitioned_table p on p.partrelid = i.inhparent
where i.inhparent = $1::regclass order by c.relname`

/** A row of {@link listOutboxLeaves}. */
export type OutboxLeafRow = {
  readonly name: string
  readonly place: string
  readonly is_default: boolean
  readonly ends_before: string | null
  readonly has_own_xid_check: boolean
}

/** Whether a leaf holds a row. `place` is quoted. Returns `has_rows`. */
export function leafHasRows(place: string): string {
  return `select exists (select from ${place}) as has_rows`
}
