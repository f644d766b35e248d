import { outboxColumns } from '../outbox/outbox-columns.ts'
import type { Shard } from '../../../relay/ownership/shard.ts'
import { andInShard } from './in-shard.ts'
import { newestCheckpoint } from './checkpoint-columns.ts'

/** Bytes of their bodies after which one statement ends: it must end well before the lease. */
const bytesMax = 8_000_000

/** Transactions are seldom open for longer behind the due time of their message; later ones wait for a look at everything. */
const lateBy = `interval '10 seconds'`

/** Due messages of a shard in their order, those of some keys left out; parameters as of {@link releaseDeferred}. */
function dueRows(schema: string, shard: Shard, columns: string): string {
  return `select ${columns}
  from ${schema}.outbox_deferred d
  where d.due_at >= coalesce($4::timestamptz, '-infinity') and d.due_at <= statement_timestamp()
    and exists (select from ${newestCheckpoint(schema)} c where c.epoch = $2::bigint and c.owner = $3::text)
    and ($6::jsonb is null or not exists (select from jsonb_to_recordset($6::jsonb) x ("aggregateType" text, key text)
      where x."aggregateType" = d.aggregatetype and x.key = d.aggregateid))${andInShard(shard, 'd.')}
  order by d.due_at, d.seq
  limit $5::integer
  for update of d skip locked`
}

/**
 * The key of the message that comes first. Parameters as of {@link releaseDeferred}, `$5` one. Returns `[aggregatetype, aggregateid]`, or nothing.
 */
export function firstDeferred(schema: string, shard: Shard): string {
  return dueRows(schema, shard, 'd.aggregatetype, d.aggregateid')
}

/**
 * Moves messages of a shard that are due into the outbox in the order of their due time, if the newest checkpoint has our epoch: deleted and inserted by
 * one statement. A message that somebody has locked, to take it back, is passed over.
 *
 * `$1` the shard of the checkpoint, `$2` the epoch, `$3` the owner, `$4` the due time to begin with, or null, `$5` how many, `$6` JSON array of keys
 * that are left out (aggregateType, key), or null. Returns `[how many, whether there may be more, the due time to begin with next, milliseconds
 * until the next one is due]`.
 */
export function releaseDeferred(schema: string, shard: Shard): string {
  const columns = outboxColumns
  const bytes = 'coalesce(octet_length(d.payload), 0) + coalesce(octet_length(d.payload_binary), 0) as bytes'
  return `with candidate as materialized (
  ${dueRows(schema, shard, `d.id, d.due_at, d.seq, ${bytes}`)}
), due as materialized (
  select id, due_at from (
    select id, due_at, sum(bytes) over (order by due_at, seq) - bytes as bytes_before from candidate
  ) summed where bytes_before < ${bytesMax}
), taken as (
  delete from ${schema}.outbox_deferred d using due where d.id = due.id returning d.*
), released as (
  insert into ${schema}.outbox (${columns}) select ${columns} from taken order by due_at, seq
  returning 1
), done as (
  select (select count(*) from released) as count,
    (select count(*) from candidate) = $5::integer or (select count(*) from candidate) > (select count(*) from due) as more,
    (select max(due_at) from due) as last
)
select count, more, case when more then last else statement_timestamp() - ${lateBy} end,
  ceil(extract(epoch from (select d.due_at from ${schema}.outbox_deferred d
    where d.due_at > statement_timestamp() order by d.due_at limit 1) - clock_timestamp()) * 1000)
from done`
}
