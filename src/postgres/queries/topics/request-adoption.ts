/**
 * Notes that a topic is to be written to with another number of partitions; the owner of each shard does it.
 * `$1` the topic, `$2` the number. Returns {@link AdoptionRow} for each shard that has the topic.
 */
export function requestAdoption(schema: string): string {
  return `update ${schema}.outbox_topic set adopt_count = $2::integer where topic = $1::text
returning shard::integer as shard, partition_count as "partitions"`
}

/** A shard and the number of partitions that it writes the topic with until then. */
export type AdoptionRow = { readonly shard: number; readonly partitions: number }
