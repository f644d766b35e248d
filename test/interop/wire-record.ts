import { kafkajs } from 'backstitch/kafkajs'

/** A record as it lies on a topic, without its time. */
export type WireRecord = {
  /** Without the prefix. */
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  /** By name; those without a value left out, since readers take them for absent. Bytes in hexadecimal. */
  readonly headers: Readonly<Record<string, string>>
  readonly value: string | null
}

const withinMs = 60_000

/**
 * Reads topics from their beginning until `count` records are there, and then a moment longer, so that one too many is seen. They come by topic and partition, each in the order of its offsets.
 * @param check asked now and then; rejects when waiting is in vain
 */
export async function readTopics(
  brokers: readonly string[],
  prefix: string,
  topics: readonly string[],
  count: number,
  check: () => Promise<void>,
): Promise<WireRecord[]> {
  const records: WireRecord[] = []
  const subscriber = kafkajs({ brokers }).subscriber({ group: `${prefix}reader`, topics })
  await subscriber.run({
    onBatch: (batch) => {
      for (const { topic, partition, key, headers, value } of batch.records)
        records.push({
          topic: topic.slice(prefix.length),
          partition,
          key: key?.toString('hex') ?? null,
          headers: Object.fromEntries(
            headers.filter(([, text]) => text.length > 0).map(([name, text]) => [name, text.toString('hex')]),
          ),
          value: value?.toString('hex') ?? null,
        })
      return Promise.resolve({ kind: 'done' })
    },
  })
  const deadline = performance.now() + withinMs
  while (records.length < count && performance.now() < deadline) {
    await check()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  await subscriber.stop()
  return records.toSorted((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition)
}
