/** The leaves of an outbox, in order, the default one last. `$1` the quoted name of the table, as text. Returns {@link LeafRow}. */
export const readLeaves = `select c.relname as name, c.oid::regclass::text as place, pg_get_expr(c.relpartbound, c.oid) as bounds,
  c.oid = p.partdefid as is_default, pg_total_relation_size(c.oid)::float8 as bytes
from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_partitioned_table p on p.partrelid = i.inhparent
where i.inhparent = $1::regclass
order by is_default, substring(pg_get_expr(c.relpartbound, c.oid) from '\\d+')::numeric, c.relname`

/** A leaf. */
export type LeafRow = {
  readonly name: string
  /** Its quoted name, with the schema where the session’s path needs it. */
  readonly place: string
  readonly bounds: string
  readonly is_default: boolean
  readonly bytes: number
}

/** Rows of a leaf. `place` is quoted. `$1` how many are counted. Returns `rows`. */
export function countLeafRows(place: string): string {
  return `select count(*)::integer as rows from (select from ${place} limit $1::integer) r`
}
