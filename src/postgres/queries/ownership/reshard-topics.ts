/** Topics whose pins, or numbers to be adopted, differ between the first `$1` shards, ten at most. Returns `[topic]`. */
export function listTopicsApart(schema: string): string {
  return `select topic from ${schema}.outbox_topic where shard < $1::smallint group by topic
having count(distinct (partition_count, coalesce(adopt_count, 0))) > 1 order by topic limit 10`
}

/** Removes the pins of shards from `$1` on. */
export function deletePins(schema: string): string {
  return `delete from ${schema}.outbox_topic where shard >= $1::smallint`
}

/**
 * Gives each of `$1` shards the pins of all topics, which are the same in each shard that has one: wherever the keys of a topic go, they are
 * written with the number of partitions that they were written with before.
 */
export function spreadPins(schema: string): string {
  return `insert into ${schema}.outbox_topic (shard, topic, partition_count, adopt_count, pinned_at)
select k, t.topic, t.partition_count, t.adopt_count, t.pinned_at
from (select distinct on (topic) * from ${schema}.outbox_topic order by topic, shard) t cross join generate_series(0, $1::integer - 1) k
on conflict (shard, topic) do nothing`
}
