import type { Shard } from '../../../relay/ownership/shard.ts'
import type { PageRead } from '../../../relay/source/source-session.ts'
import { andInShard } from '../relay/in-shard.ts'
import { copiedTuplesOf } from '../relay/outbox-tuple-columns.ts'

/**
 * The page of `readWalkPage` as a binary copy. A copy takes no parameters, so numbers and snapshots stand in the text; and it is planned each
 * time, which lets the server open the leaves of this page alone.
 * @param bodyBytesMax rows with larger bodies come without them, and flagged
 */
export function copyWalkPage(
  schema: string,
  page: { readonly rows: number; readonly bodyBytesMax: number },
  shard: Shard,
  { previous, current, after, upTo }: Extract<PageRead, { kind: 'walk' }>,
): string {
  return `copy (${copiedTuplesOf(
    `(select * from ${schema}.outbox
      where seq > ${after} and seq <= ${upTo}
        and not pg_visible_in_snapshot(xid, ${snapshot(previous)}) and pg_visible_in_snapshot(xid, ${snapshot(current)})${andInShard(shard)}
      order by seq limit ${page.rows})`,
    page.bodyBytesMax,
  )}) to stdout (format binary)`
}

/** A snapshot’s text has digits, colons and commas; `parseSnapshot` has looked. */
function snapshot(text: string): string {
  return `'${text.replaceAll(/[^\d:,]/g, '')}'::pg_snapshot`
}
