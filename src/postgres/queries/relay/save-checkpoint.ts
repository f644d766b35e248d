import { keptColumns } from '../outbox/kept-columns.ts'
import { waitsForPartition, waitsForPlace, waitsForTopic } from '../quarantine/reason-codes.ts'
import { newestCheckpoint } from './checkpoint-columns.ts'

/** Rows of the quarantine that one save changes beyond those that it names: its time is short, for the lease hangs on it. */
const rowsChangedMax = 4_000

/**
 * Appends a checkpoint and renews the lease, if the newest checkpoint has our epoch. Of two who append at once the primary key refuses
 * one (23505).
 * `$1` the shard, `$2` the epoch, `$3` the owner, `$4` milliseconds, `$5` previous, `$6` current, `$7` position, `$8` walk_from,
 * `$9` low_water, `$10` sequence_high, `$11` whether the lease is given back. Returns `[number, the transaction of the save]`, or nothing.
 */
export function saveCheckpoint(schema: string): string {
  return `insert into ${schema}.outbox_checkpoint
  (slot, shard, number, epoch, owner, lease_until, previous, current, position, walk_from, low_water, sequence_high, system_identifier, timeline)
select ((c.number + 1) / 4096) % 2, c.shard, c.number + 1, c.epoch, case when $11::boolean then null else c.owner end,
  clock_timestamp() + $4::integer * interval '1 millisecond', $5::pg_snapshot, $6::pg_snapshot, $7::bigint, $8::bigint, $9::bigint, $10::bigint,
  c.system_identifier, c.timeline
from ${newestCheckpoint(schema)} c
where c.epoch = $2::bigint and c.owner = $3::text
returning number, pg_current_xact_id()`
}

/**
 * {@link saveCheckpoint} that goes on at a number further on: shards that save seldom would else keep checkpoints of those that save often
 * from being truncated. The number next in line is written as well, for it is the one that the primary key must refuse to all others but one.
 * `$12` the number.
 */
export function leapCheckpoint(schema: string): string {
  return `with newest as ${newestCheckpoint(schema)}, saved as (
  insert into ${schema}.outbox_checkpoint
    (slot, shard, number, epoch, owner, lease_until, previous, current, position, walk_from, low_water, sequence_high, system_identifier, timeline)
  select (n.number / 4096) % 2, c.shard, n.number, c.epoch, case when $11::boolean then null else c.owner end,
    clock_timestamp() + $4::integer * interval '1 millisecond', $5::pg_snapshot, $6::pg_snapshot, $7::bigint, $8::bigint, $9::bigint, $10::bigint,
    c.system_identifier, c.timeline
  from newest c cross join lateral (select c.number + 1 union select greatest(c.number + 1, $12::bigint)) n (number)
  where c.epoch = $2::bigint and c.owner = $3::text
  returning number
)
select max(number), pg_current_xact_id() from saved having count(*) > 0`
}

/**
 * {@link saveCheckpoint} together with changes of the quarantine, which happen if and only if the checkpoint was appended.
 * `$12` JSON array of rows to park (seq, topic, code, reason, partition), `$13` seqs that leave (of those that were skipped or edited a note stays), `$14` JSON array of rows that were refused again
 * (seq, topic, key, code, reason): their keys wait behind them, and some thousand wishes to retry are done with; wishes to skip
 * stay. `$15` seqs that waited for their topic or partition and now wait behind a refused row of their key.
 * `$16` JSON array of topics that are written to with another number of partitions from now on (topic, partitions). `$17` a topic or null: some
 * thousand of its rows that wait for a partition wait for the topic then, of each partition the last ones. `$18` JSON array of rows that waited
 * for their topic and now wait for their partition (seq, partition).
 */
export function saveCheckpointAndQuarantine(schema: string): string {
  return `with saved as (
${saveCheckpoint(schema)}
), parked as (
  insert into ${schema}.outbox_quarantine (seq, shard, topic, partition, ${keptColumns.join(', ')}, reason_code, reason)
  select o.seq, $1::smallint, p.topic, p.partition, ${keptColumns
    .map((name) => `o.${name}`)
    .join(', ')}, p.code, p.reason
  from jsonb_to_recordset($12::jsonb) as p (seq bigint, topic text, code text, reason text, partition integer) join ${schema}.outbox o on o.seq = p.seq
  where exists (select from saved)
  on conflict (seq) do nothing
), drained as (
  delete from ${schema}.outbox_quarantine where seq = any ($13::bigint[]) and exists (select from saved)
  returning seq, coalesce(original_id, id) as id, intent, original_id
), settled as (
  insert into ${schema}.outbox_settled (seq, id, settled_as)
  select seq, id, case when intent = 'skip' then 'skipped' else 'edited' end from drained where intent = 'skip' or original_id is not null
  on conflict do nothing
), refused as (
  update ${schema}.outbox_quarantine q
  set reason_code = r.code, reason = r.reason,
    -- a wish to skip that came while the row was tried stays
    intent = case when q.intent = 'retry' then null else q.intent end
  from jsonb_to_recordset($14::jsonb) as r (seq bigint, code text, reason text)
  where q.seq = r.seq and exists (select from saved)
    -- of two changes of one row a statement makes one, whichever comes first
    and q.seq <> all ($13::bigint[])
), retried as (
  -- a key may have very many rows behind the refused one: they are left as they are, but for wishes, of which those left over are one more try
  update ${schema}.outbox_quarantine set intent = null
  where exists (select from saved) and seq in (
    select q.seq from ${schema}.outbox_quarantine q
      join jsonb_to_recordset($14::jsonb) as r (topic text, key text) on q.topic = r.topic and q.aggregateid = r.key
    where q.shard = $1::smallint and q.intent is not null and q.intent = 'retry'
      and q.seq <> all ($13::bigint[]) and q.seq <> all ($15::bigint[])
      and q.seq not in (select s.seq from jsonb_to_recordset($14::jsonb) as s (seq bigint))
    order by q.shard, q.seq limit ${rowsChangedMax})
), waiting as (
  update ${schema}.outbox_quarantine set reason_code = 'OUTBOX_KEY_PARKED', reason = 'an earlier row of its key is parked'
  where seq = any ($15::bigint[]) and exists (select from saved) and ${waitsForPlace}
), adopted as (
  update ${schema}.outbox_topic t set partition_count = a.partitions, adopt_count = null
  from jsonb_to_recordset($16::jsonb) as a (topic text, partitions integer)
  where t.shard = $1::smallint and t.topic = a.topic and exists (select from saved)
), moved as (
  update ${schema}.outbox_quarantine
  set reason_code = 'OUTBOX_TOPIC_UNKNOWN', reason = 'the topic has another number of partitions', partition = null
  where exists (select from saved) and seq in (
    select q.seq from ${schema}.outbox_quarantine q
    where q.shard = $1::smallint and ${schema}.outbox_digest(q.topic, '') = ${schema}.outbox_digest($17::text, '') and q.topic = $17::text
      and q.${waitsForPartition}
    order by q.partition desc, q.seq desc limit ${rowsChangedMax})
), held as (
  update ${schema}.outbox_quarantine q
  set reason_code = 'OUTBOX_PARTITION_HELD', reason = 'its partition cannot be written to', partition = h.partition
  from jsonb_to_recordset($18::jsonb) as h (seq bigint, partition integer)
  where q.seq = h.seq and exists (select from saved) and q.${waitsForTopic}
)
select * from saved`
}
