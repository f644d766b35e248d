import { outboxTuplesOf } from '../relay/outbox-tuple-columns.ts'
import { hasText } from './has-text.ts'
import { waitsForPartition, waitsForTopic } from './reason-codes.ts'

type Page = { readonly rows: number; readonly bytes: number }

/** Rows of a parked key in order. `$1` the topic, `$2` the key, `$3` after this `seq`. */
export function readRowsOfKey(schema: string, page: Page): string {
  return withIntent(
    `select * from ${schema}.outbox_quarantine
      where ${hasText('topic', '$1::text')} and ${hasText('aggregateid', '$2::text')} and seq > $3::bigint`,
    schema,
    page,
  )
}

/** The first rows of a shard that wait for their topic, in order. `$1` the topic, `$2` the shard. */
export function readRowsOfTopic(schema: string, page: Page): string {
  return withIntent(
    `select * from ${schema}.outbox_quarantine
      where shard = $2::smallint and ${isTopic(schema)} and ${waitsForTopic}`,
    schema,
    page,
  )
}

/** The first rows of a shard that wait for a partition, in order. `$1` the topic, `$2` the partition, `$3` the shard. */
export function readRowsOfPartition(schema: string, page: Page): string {
  return withIntent(
    `select * from ${schema}.outbox_quarantine
      where shard = $3::smallint and ${isTopic(schema)} and partition = $2::integer and ${waitsForPartition}`,
    schema,
    page,
  )
}

/** In the form that the indexes of what waits serve. */
function isTopic(schema: string): string {
  return `${schema}.outbox_digest(topic, '') = ${schema}.outbox_digest($1::text, '') and topic = $1::text`
}

/** The intent comes last. */
function withIntent(rows: string, schema: string, page: Page): string {
  return `select t.*, q.intent from (${outboxTuplesOf(`(${rows} order by seq limit ${page.rows})`, page.bytes)}) t
join ${schema}.outbox_quarantine q on q.seq = t.seq order by t.seq`
}
