/**
 * Pins the number of partitions of a topic at its first use; a pin that is there stays.
 * `$1` the shard, `$2` the topic, `$3` the number. Returns `[partitions]`: the number that is pinned.
 */
export function pinTopic(schema: string): string {
  return `insert into ${schema}.outbox_topic (shard, topic, partition_count) values ($1::smallint, $2::text, $3::integer)
on conflict (shard, topic) do update set partition_count = outbox_topic.partition_count returning partition_count`
}
