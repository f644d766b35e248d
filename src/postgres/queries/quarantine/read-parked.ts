import { hasText } from './has-text.ts'
import { parksItsKey, waitsForPartition, waitsForTopic, wasRefused } from './reason-codes.ts'

/**
 * The keys that are parked, in pages. It goes from the first row of a key straight to the next key (a loose index scan), so that it costs a
 * look for each key and none for the rows behind it. `$1` the shard, `$2` after this digest, `$3` how many.
 * Returns `[topic, key, whether one of its rows was refused, digest]`.
 */
export function readParkedKeys(schema: string): string {
  const digest = `${schema}.outbox_digest(q.topic, q.aggregateid)`
  const next = (after: string): string =>
    `(select q.topic, q.aggregateid, ${digest} as digest from ${schema}.outbox_quarantine q
    where q.shard = $1::smallint and q.${parksItsKey} and ${digest} > ${after} order by q.shard, ${digest}, q.seq limit 1)`
  return `with recursive k as (
  ${next('$2::bytea')}
  union all
  select n.* from k cross join lateral ${next('k.digest')} n
)
select k.topic, k.aggregateid, exists (select from ${schema}.outbox_quarantine r
  where ${hasText('r.topic', 'k.topic')} and ${hasText('r.aggregateid', 'k.aggregateid')} and r.${wasRefused}), k.digest
from k limit $3::integer`
}

/** The topics that rows wait for, in the same way. `$1` the shard. Returns `[topic]`. */
export function readParkedTopics(schema: string): string {
  const digest = `${schema}.outbox_digest(q.topic, '')`
  const next = (condition: string): string =>
    `(select q.topic, ${digest} as digest from ${schema}.outbox_quarantine q
    where q.shard = $1::smallint and q.${waitsForTopic}${condition} order by q.shard, ${digest}, q.seq limit 1)`
  return `with recursive t as (
  ${next('')}
  union all
  select n.* from t cross join lateral ${next(` and ${digest} > t.digest`)} n
)
select topic from t`
}

/** The partitions that rows wait for, in the same way. `$1` the shard. Returns `[topic, partition]`. */
export function readHeldPartitions(schema: string): string {
  const digest = `${schema}.outbox_digest(q.topic, '')`
  const next = (condition: string): string =>
    `(select q.topic, q.partition, ${digest} as digest from ${schema}.outbox_quarantine q
    where q.shard = $1::smallint and q.${waitsForPartition}${condition} order by q.shard, ${digest}, q.partition, q.seq limit 1)`
  return `with recursive p as (
  ${next('')}
  union all
  select n.* from p cross join lateral ${next(` and row(${digest}, q.partition) > row(p.digest, p.partition)`)} n
)
select topic, partition from p`
}

/** Whether rows of a topic wait for a partition. `$1` the topic, `$2` the shard. Returns `[whether]`. */
export function hasHeldRows(schema: string): string {
  return `select exists (select from ${schema}.outbox_quarantine q
where q.shard = $2::smallint and ${schema}.outbox_digest(q.topic, '') = ${schema}.outbox_digest($1::text, '') and q.topic = $1::text and q.${waitsForPartition})`
}

/** Counts the rows of a shard, in pages. `$1` the shard, `$2` after this `seq`, `$3` how many at most. Returns `[rows, last seq]`. */
export function countQuarantine(schema: string): string {
  return `select count(*), max(seq) from (
  select seq from ${schema}.outbox_quarantine where shard::integer = $1::integer and seq > $2::bigint order by shard::integer, seq limit $3::integer) q`
}
