import { outboxTuplesOf } from '../relay/outbox-tuple-columns.ts'
import { newestCheckpoint } from '../relay/checkpoint-columns.ts'

/** The oldest replay of a shard that is not done. `$1` the shard. Returns `[id, position, seq_to, topic, new_ids]`. */
export function readNextReplay(schema: string): string {
  return `select id, position, seq_to, topic, new_ids from ${schema}.outbox_replay
where shard = $1::smallint and state in ('requested', 'running') order by requested_at, id limit 1`
}

/**
 * A slice of a replay, in the order of `seq`. `$1` the replay, `$2` the shard, `$3` after this `seq`, `$4` up to this one, `$5` the
 * snapshot up to which all is published.
 */
export function readReplayRows(
  schema: string,
  page: { readonly rows: number; readonly bytes: number },
): string {
  return outboxTuplesOf(
    `(select o.* from ${schema}.outbox_replay p cross join lateral ${schema}.outbox_published_rows(
      greatest($3::bigint, p.seq_from - 1), $4::bigint, $5::pg_snapshot, p.aggregatetype, p.aggregateid, p.created_from, p.created_to,
      p.shard, ${page.rows}) o
    where p.id = $1::uuid and p.shard = $2::smallint)`,
    page.bytes,
  )
}

/**
 * Notes how far a replay is, if it was not cancelled and the newest checkpoint has our epoch. `$1` the shard, `$2` the replay, `$3` the
 * epoch, `$4` position, `$5`, `$6`, `$7` how many more were published, skipped, refused, `$8` the state, `$9` the failure. Returns a row if so.
 */
export function saveReplay(schema: string): string {
  return `update ${schema}.outbox_replay
set position = $4::bigint, published = published + $5::bigint, skipped = skipped + $6::bigint, refused = refused + $7::bigint,
  state = $8::text, failure = $9::text, updated_at = clock_timestamp()
where id = $2::uuid and shard = $1::smallint and state in ('requested', 'running')
  and (select c.epoch from ${newestCheckpoint(schema)} c) = $3::bigint
returning id`
}
