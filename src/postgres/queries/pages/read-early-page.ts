import type { Shard } from '../../../relay/ownership/shard.ts'
import { andInShard } from '../relay/in-shard.ts'
import { outboxTuplesOf } from '../relay/outbox-tuple-columns.ts'

/**
 * A page of the rows of some transactions, in the order of `seq`.
 * `$1` the transactions, all of them ended, `$2` after this `seq`, `$3` up to this one. Each transaction is a range of the index
 * `(xid, seq)`, so a page costs a page, however many rows a transaction has.
 * Rows are compared, not `seq` by itself, so that no plan can walk the primary key instead.
 */
export function readEarlyPage(
  schema: string,
  page: { readonly rows: number; readonly bytes: number },
  shard: Shard,
): string {
  return outboxTuplesOf(
    `(select o.* from unnest($1::xid8[]) x (xid) cross join lateral (
      select * from ${schema}.outbox o
      where row(o.xid, o.seq) > row(x.xid, $2::bigint) and row(o.xid, o.seq) <= row(x.xid, $3::bigint)${andInShard(shard, 'o.')}
      order by o.xid, o.seq limit ${page.rows}) o
    order by o.seq limit ${page.rows})`,
    page.bytes,
  )
}
