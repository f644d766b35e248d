import { outboxColumns } from '../outbox/outbox-columns.ts'
import type { Shard } from '../../../relay/ownership/shard.ts'
import { andInShard } from './in-shard.ts'
import { newestCheckpoint } from './checkpoint-columns.ts'

/** Messages that one statement releases at most, and the bytes of their bodies after which it ends: it must end well before the lease. */
const releasedMax = 500
const bytesMax = 8_000_000

/** Transactions are seldom open for longer behind the due time of their message; later ones wait for a look at everything. */
const lateBy = `interval '10 seconds'`

/**
 * Moves messages of a shard that are due into the outbox in the order of their due time, if the newest checkpoint has our epoch: deleted and inserted by
 * one statement. A message that somebody has locked, to take it back, is passed over.
 *
 * `$1` the shard of the checkpoint, `$2` the epoch, `$3` the owner, `$4` the due time to begin with, or null. Returns `[how many, whether there
 * may be more, the due time to begin with next, milliseconds until the next one is due]`.
 */
export function releaseDeferred(schema: string, shard: Shard): string {
  const columns = outboxColumns
  return `with candidate as materialized (
  select d.id, d.due_at, d.seq, coalesce(octet_length(d.payload), 0) + coalesce(octet_length(d.payload_binary), 0) as bytes
  from ${schema}.outbox_deferred d
  where d.due_at >= coalesce($4::timestamptz, '-infinity') and d.due_at <= statement_timestamp()
    and exists (select from ${newestCheckpoint(schema)} c where c.epoch = $2::bigint and c.owner = $3::text)${andInShard(shard, 'd.')}
  order by d.due_at, d.seq
  limit ${releasedMax}
  for update of d skip locked
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
    (select count(*) from candidate) = ${releasedMax} or (select count(*) from candidate) > (select count(*) from due) as more,
    (select max(due_at) from due) as last
)
select count, more, case when more then last else statement_timestamp() - ${lateBy} end,
  ceil(extract(epoch from (select d.due_at from ${schema}.outbox_deferred d
    where d.due_at > statement_timestamp() order by d.due_at limit 1) - clock_timestamp()) * 1000)
from done`
}
