import { hasText } from './has-text.ts'

/** Everything that waits for its topic has this code. */
const topicUnknown = 'OUTBOX_TOPIC_UNKNOWN'
/** And what waits for its partition this one; all other codes park a key. */
const partitionHeld = 'OUTBOX_PARTITION_HELD'
const waitsForPlace = `reason_code in ('${topicUnknown}', '${partitionHeld}')`
/** What waits behind a refused row of its key has this one. */
const keyParked = 'OUTBOX_KEY_PARKED'

/** The keys that are parked. `$1` the shard. Returns `[topic, key, whether one of its rows was refused]`. */
export function readParkedKeys(schema: string): string {
  return `select topic, aggregateid, bool_or(reason_code <> '${keyParked}') from ${schema}.outbox_quarantine
where shard = $1::smallint and not ${waitsForPlace}
group by topic, aggregateid`
}

/** The topics that rows wait for. `$1` the shard. Returns `[topic]`. */
export function readParkedTopics(schema: string): string {
  return `select topic from ${schema}.outbox_quarantine where shard = $1::smallint and reason_code = '${topicUnknown}' group by topic`
}

/** The partitions that rows wait for. `$1` the shard. Returns `[topic, partition, rows]`. */
export function readHeldPartitions(schema: string): string {
  return `select topic, partition, count(*) from ${schema}.outbox_quarantine where shard = $1::smallint and reason_code = '${partitionHeld}'
group by topic, partition`
}

/**
 * The keys that operators want something of, the oldest first. `$1` the shard, `$2` how many.
 * Returns `[topic, key, waits for its topic or partition, has a retry, seqs to skip, first seq of the key]`.
 */
export function readIntents(schema: string): string {
  return `select i.*, (select min(seq) from ${schema}.outbox_quarantine h
  where ${hasText('h.topic', 'i.topic')} and ${hasText('h.aggregateid', 'i.aggregateid')})
from (
  select topic, aggregateid, bool_and(${waitsForPlace}), bool_or(intent = 'retry'),
    coalesce(string_agg(seq::text, ',' order by seq) filter (where intent = 'skip'), '')
  from ${schema}.outbox_quarantine where shard = $1::smallint and intent is not null and (intent = 'skip' or not ${waitsForPlace})
  group by topic, aggregateid order by min(seq) limit $2::integer
) i`
}
