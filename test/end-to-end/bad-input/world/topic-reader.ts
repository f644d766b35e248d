import kafkajs from 'kafkajs'
import { expect, onTestFinished } from 'vitest'
import { kafkaBrokers, uniqueName } from '../../../support/services.ts'

/** Reads a topic from its beginning with the bare client, for the test that calls it. */
export class TopicReader {
  readonly #seen: { readonly place: string; readonly key: string; readonly value: string }[] = []

  /** Begins to read a topic that exists. */
  static async of(topic: string): Promise<TopicReader> {
    const reader = new TopicReader()
    const kafka = new kafkajs.Kafka({ brokers: kafkaBrokers(), logLevel: kafkajs.logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: uniqueName('witness'), maxWaitTimeInMs: 50 })
    onTestFinished(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message: { offset, key, value } }) => {
        const place = `${partition}/${offset}`
        if (reader.#seen.some((record) => record.place === place)) return
        reader.#seen.push({ place, key: String(key), value: String(value) })
      },
    })
    return reader
  }

  /** The values of a key in their order, or of all keys. */
  values(key?: string): string[] {
    return this.#seen.filter((record) => key === undefined || record.key === key).map(({ value }) => value)
  }

  /** Waits until the values of a key are these and no others. */
  async holds(key: string, wanted: readonly string[]): Promise<void> {
    await expect.poll(() => this.values(key), { timeout: 20_000, interval: 20 }).toEqual(wanted)
  }
}
