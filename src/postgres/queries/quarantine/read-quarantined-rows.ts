import type { Shard } from '../../../relay/ownership/shard.ts'
import { outboxTuplesOf } from '../relay/outbox-tuple-columns.ts'
import { hasText } from './has-text.ts'

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

/** Rows of a shard that wait for their topic, in order. `$1` the topic, `$2` after this `seq`. */
export function readRowsOfTopic(schema: string, page: Page, { number, count }: Shard): string {
  return withIntent(
    `select * from ${schema}.outbox_quarantine
      where ${hasText('topic', '$1::text')} and reason_code = 'OUTBOX_TOPIC_UNKNOWN'${count === 1 ? '' : ` and shard = ${number}`} and seq > $2::bigint`,
    schema,
    page,
  )
}

/** The first rows of a shard that wait for a partition, in order. `$1` the topic, `$2` the partition, `$3` the shard. */
export function readRowsOfPartition(schema: string, page: Page): string {
  return withIntent(
    `select * from ${schema}.outbox_quarantine
      where ${hasText('topic', '$1::text')} and partition = $2::integer and shard = $3::smallint and reason_code = 'OUTBOX_PARTITION_HELD'`,
    schema,
    page,
  )
}

/** The intent comes last. */
function withIntent(rows: string, schema: string, page: Page): string {
  return `select t.*, q.intent from (${outboxTuplesOf(`(${rows} order by seq limit ${page.rows})`, page.bytes)}) t
join ${schema}.outbox_quarantine q on q.seq = t.seq order by t.seq`
}
