import kafkajs from 'kafkajs'
import type { DeliveredRecord } from './broken-promises.ts'

const withinMs = 30_000

/** Reads a topic with the bare client, from its beginning to where its end is now. */
export async function readTopic(brokers: readonly string[], topic: string): Promise<DeliveredRecord[]> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING })
  const left = new Map(
    (await endsOf(kafka, topic)).filter(({ end }) => end > 0n).map(({ partition, end }) => [partition, end]),
  )
  if (left.size === 0) return []
  const next = new Map<number, bigint>()
  const records: DeliveredRecord[] = []
  const consumer = kafka.consumer({ groupId: `judge.${topic}.${performance.now()}`, maxWaitTimeInMs: 100 })
  const { promise: done, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error(`${topic} could not be read`)), withinMs)
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        const { partition, messages } = batch
        for (const { offset, key, value } of messages) {
          if (BigInt(offset) < (next.get(partition) ?? 0n)) continue // a new assignment begins at the beginning again
          next.set(partition, BigInt(offset) + 1n)
          records.push({ key: String(key), body: String(value), partition })
        }
        if (BigInt(batch.lastOffset()) + 1n >= (left.get(partition) ?? 0n)) left.delete(partition)
        if (left.size === 0) resolve()
        return Promise.resolve()
      },
    })
    await done
    return records
  } finally {
    clearTimeout(timer)
    await consumer.disconnect()
  }
}

/** How many records a topic has; 0 while no broker answers. */
export async function recordsOf(brokers: readonly string[], topic: string): Promise<number> {
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    retry: { retries: 1 },
  })
  try {
    return (await endsOf(kafka, topic)).reduce((sum, { end }) => sum + Number(end), 0)
  } catch {
    return 0
  }
}

async function endsOf(kafka: kafkajs.Kafka, topic: string): Promise<{ partition: number; end: bigint }[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
      partition,
      end: BigInt(high),
    }))
  } finally {
    await admin.disconnect()
  }
}
