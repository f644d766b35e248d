/** The topics of an outbox with the number of partitions that they are written to with, over all shards. Returns {@link TopicPinRow}. */
export function listTopicPins(schema: string): string {
  return `select topic, min(partition_count)::integer as partitions, bool_or(adopt_count is not null) as is_adopted
from ${schema}.outbox_topic group by topic order by topic`
}

/** A row of {@link listTopicPins}. `is_adopted`: another number is to be taken, as soon as the owners get to it. */
export type TopicPinRow = {
  readonly topic: string
  readonly partitions: number
  readonly is_adopted: boolean
}
