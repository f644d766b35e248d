/** The topics of a shard with the number of partitions that they are written to with. `$1` the shard. Returns `[topic, partitions, adopted number or null]`. */
export function readTopicPins(schema: string): string {
  return `select topic, partition_count, adopt_count from ${schema}.outbox_topic where shard = $1::smallint`
}
