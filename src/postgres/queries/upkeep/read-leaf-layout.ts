/**
 * What concerns the outbox as a whole.
 * Returns `[in recovery, last value, whether a window is open, the gap’s definition, whether it is valid, tables of kept rows]`.
 */
export function readOutboxState(schema: string): string {
  return `select pg_is_in_recovery(), ${schema}.outbox_last_seq(),
  exists (select from ${schema}.outbox_sharding cross join generate_series(0, shard_count - 1) as s (shard) cross join lateral
    (select current from ${schema}.outbox_checkpoint p where p.shard = s.shard order by number desc limit 1) c where c.current is not null),
  pg_get_constraintdef(g.oid), g.convalidated, (select count(*) from ${schema}.outbox_kept())
from (select) one left join pg_constraint g on g.conrelid = '${schema}.outbox_default'::regclass and g.conname = 'outbox_gap'`
}

/**
 * The leaves, lowest first, the default partition last. `$1` how long rows are kept, ms. Returns `[name, from, to, bytes, published, aged]`,
 * the last two only of leaves with rows that the sequence has left.
 */
export function readLeaves(schema: string): string {
  return `select l.name, l.lower, l.upper, l.bytes, case when l.is_left then ${schema}.outbox_is_passed(l.leaf) end,
  case when l.is_left then ${schema}.outbox_is_aged(l.leaf, $1::bigint) end
from (
  select l.*, l.bytes > 0 and coalesce(l.upper <= s.last + 1, bool_or(l.lower <= s.last + 1 and l.upper > s.last + 1) over ()) as is_left
  from ${schema}.outbox_leaves() l cross join (select ${schema}.outbox_last_seq() as last) s
) l order by l.lower nulls last`
}
