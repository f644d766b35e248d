import kafkajs from 'kafkajs'
import { kafkaBrokers, uniqueName } from '../../support/services.ts'

/** A record as the bare client read it. */
export type BareRecord = {
  readonly timestampMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Reads the first records of a topic with the bare client; fails when they have not come in 20 s. */
export async function readByKafkajs(topic: string, count: number): Promise<BareRecord[]> {
  const kafka = new kafkajs.Kafka({ brokers: kafkaBrokers(), logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: uniqueName('witness'), maxWaitTimeInMs: 100 })
  const records: BareRecord[] = []
  const enough = Promise.withResolvers<void>()
  const deadline = setTimeout(
    () => enough.reject(new Error(`${records.length} of ${count} records came in 20 s`)),
    20_000,
  )
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ message: { timestamp, headers, key, value } }) => {
        records.push({
          timestampMs: Number(timestamp),
          headers: Object.fromEntries(
            Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]),
          ),
          key,
          value,
        })
        if (records.length === count) enough.resolve()
      },
    })
    await enough.promise
    return records.slice(0, count)
  } finally {
    clearTimeout(deadline)
    await consumer.disconnect()
  }
}
