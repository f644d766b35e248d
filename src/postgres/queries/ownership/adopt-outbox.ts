import { keptColumns } from '../outbox/kept-columns.ts'
import { shardOfKey } from '../relay/in-shard.ts'
import { newestCheckpoints } from './newest-checkpoints.ts'

/**
 * That a row is not published, as its shard’s checkpoint knows it (`o` the row, `c` the checkpoint, `h` the sharding, `q` the sequence). A row
 * behind the sequence’s value of the checkpoint was written later, maybe in this cluster under a number that looks old. A sequence that is
 * behind that value did not come along: what was written since begins at its bottom, and cannot be told from what was there, so
 * it counts as unpublished. What operators skipped, or had published edited, never does.
 */
const isUnpublished = (
  schema: string,
): string => `(c.shard is null or o.seq > c.sequence_high or (q.last_value < c.sequence_high and o.seq <= q.last_value)
  or not pg_visible_in_snapshot(o.xid, coalesce(c.current, c.previous))
  or (c.current is not null and o.seq > c.position and not pg_visible_in_snapshot(o.xid, c.previous)))
  and not exists (select from ${schema}.outbox_settled s where s.seq = o.seq and s.id = o.id)`

const rowsWithCheckpoint = (schema: string, sequence: string): string => `${schema}.outbox o
  cross join ${schema}.outbox_sharding h cross join ${sequence} q
  left join ${newestCheckpoints(schema)} c on c.shard = case when h.settled_count = 1 then 0 else ${shardOfKey('o.aggregateid', 'h.settled_count')} end`

/** Returns {@link OutboxCounts}. `sequence` is quoted. */
export function countUnpublished(schema: string, sequence: string): string {
  return `select count(*) filter (where ${isUnpublished(schema)})::text as unpublished, count(*) filter (where not (${isUnpublished(schema)}))::text as published
from ${rowsWithCheckpoint(schema, sequence)}`
}

/** What the row of {@link countUnpublished} is. */
export type OutboxCounts = { readonly unpublished: string; readonly published: string }

/** Keeps the unpublished rows aside, until the end of the transaction. Writers must be locked out. */
export function setUnpublishedAside(schema: string, sequence: string): string {
  return `create temporary table backstitch_unpublished on commit drop as select o.* from ${rowsWithCheckpoint(schema, sequence)} where ${isUnpublished(schema)}`
}

/** Sets the sequence behind everything that has a `seq`. Returns `[value]` as text. */
export function raiseSequence(schema: string, sequence: string): string {
  return `select setval('${sequence.replaceAll("'", "''")}', greatest(1,
  (select last_value from ${sequence}), (select max(seq) from ${schema}.outbox), (select max(seq) from ${schema}.outbox_quarantine), (select max(seq) from ${schema}.outbox_settled),
  (select max(sequence_high) from ${newestCheckpoints(schema)} c)))::text as value`
}

/** Empties all leaves. */
export function emptyOutbox(schema: string): string {
  return `truncate ${schema}.outbox`
}

/** Inserts what was set aside, in its order and under this transaction. */
export function insertUnpublished(schema: string): string {
  return `insert into ${schema}.outbox (${keptColumns.join(', ')}) select ${keptColumns.join(', ')} from backstitch_unpublished order by seq`
}
