import { outboxTuplesOf } from './outbox-tuple-columns.ts'

/**
 * A page of the rows of some transactions, in the order of `seq`.
 * `$1` the transactions, all of them ended, `$2` after this `seq`, `$3` up to this one. Each transaction is a range of the index
 * `(xid, seq)`, so a page costs a page, however many rows a transaction has.
 */
export function readEarlyPage(
  schema: string,
  page: { readonly rows: number; readonly bytes: number },
): string {
  return outboxTuplesOf(
    `(select o.* from unnest($1::xid8[]) x (xid) cross join lateral (
      select * from ${schema}.outbox o
      where o.xid = x.xid and o.seq > $2::bigint and o.seq <= $3::bigint
      order by o.seq limit ${page.rows}) o
    order by o.seq limit ${page.rows})`,
    page.bytes,
  )
}
