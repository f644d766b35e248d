import { kafkajs } from 'backstitch/kafkajs'
import { uniqueName } from '../support/services.ts'
import type { Reading } from './check-history.ts'

/** Collects all records of a topic from its beginning, as they come. */
export async function startTopicReader(
  brokers: readonly string[],
  topic: string,
): Promise<{ readonly reading: Reading; stop(): Promise<void> }> {
  const reading: Reading[number][] = []
  const subscriber = kafkajs({ brokers }).subscriber({ group: uniqueName('history'), topics: [topic] })
  await subscriber.run({
    onBatch: ({ records }) => {
      for (const { headers, value, timestampMs } of records) {
        const id = headers.find(([name]) => name === 'id')?.[1].toString() ?? ''
        const { key, n } = JSON.parse(String(value)) as { key: string; n: number }
        reading.push({ id, key, n, atMs: timestampMs })
      }
      return Promise.resolve({ kind: 'done' })
    },
  })
  return { reading, stop: () => subscriber.stop() }
}
