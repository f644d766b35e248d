import type { Shard } from '../../../relay/ownership/shard.ts'
import { andInShard } from '../relay/in-shard.ts'
import { outboxTuplesOf } from '../relay/outbox-tuple-columns.ts'

/**
 * A page of the rows visible to one snapshot and not to an earlier one, walking the primary key.
 * Rows of other shards are passed over within the page’s limit: what bounds a page then is how far it reaches.
 * `$1` the earlier snapshot, `$2` the later one, `$3` after this `seq`, `$4` up to this one.
 */
export function readWalkPage(
  schema: string,
  page: { readonly rows: number; readonly bytes: number },
  shard: Shard,
): string {
  return outboxTuplesOf(
    `(select * from ${schema}.outbox
      where seq > $3::bigint and seq <= $4::bigint
        and not pg_visible_in_snapshot(xid, $1::pg_snapshot) and pg_visible_in_snapshot(xid, $2::pg_snapshot)${andInShard(shard)}
      order by seq limit ${page.rows})`,
    page.bytes,
  )
}
