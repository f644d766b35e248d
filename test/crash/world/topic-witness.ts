import kafkajs from 'kafkajs'
import { uniqueName } from '../../support/services.ts'

/** A record as it lies on its topic. */
export type SeenRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string
  readonly value: string | null
  readonly id: string
}

/** Reads topics from their beginning with the bare client, and remembers every record. */
export class TopicWitness {
  readonly records: SeenRecord[] = []
  readonly ids = new Set<string>()
  readonly #next = new Map<string, bigint>()
  readonly #topics: readonly string[]
  readonly #admin: kafkajs.Admin
  readonly #consumer: kafkajs.Consumer

  private constructor(kafka: kafkajs.Kafka, topics: readonly string[]) {
    this.#topics = topics
    this.#admin = kafka.admin()
    this.#consumer = kafka.consumer({ groupId: uniqueName('witness'), maxWaitTimeInMs: 100 })
  }

  /** Begins to read topics that exist. */
  static async of(brokers: readonly string[], topics: readonly string[]): Promise<TopicWitness> {
    const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING })
    const witness = new TopicWitness(kafka, topics)
    await witness.#read()
    return witness
  }

  async #read(): Promise<void> {
    await Promise.all([this.#admin.connect(), this.#consumer.connect()])
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }) => {
        this.#note(batch)
        return Promise.resolve()
      },
    })
  }

  #note({ topic, partition, messages }: kafkajs.Batch): void {
    const place = `${topic}/${partition}`
    for (const { offset, key, value, headers } of messages) {
      if (BigInt(offset) < (this.#next.get(place) ?? 0n)) continue // a new assignment begins at the beginning again
      this.#next.set(place, BigInt(offset) + 1n)
      const id = String(headers?.['id'])
      this.ids.add(id)
      this.records.push({
        topic,
        partition,
        offset: BigInt(offset),
        key: String(key),
        value: value === null ? null : String(value),
        id,
      })
    }
  }

  /** Whether everything that is on the topics now has been read. */
  async hasReadAll(): Promise<boolean> {
    return (await this.progress()).every(({ read, end }) => read >= end)
  }

  /** How far each partition has been read, and how far it goes. */
  async progress(): Promise<{ readonly place: string; readonly read: bigint; readonly end: bigint }[]> {
    const ends = await Promise.all(
      this.#topics.map(async (topic) =>
        (await this.#admin.fetchTopicOffsets(topic)).map(({ partition, high }) => ({
          place: `${topic}/${partition}`,
          end: BigInt(high),
        })),
      ),
    )
    return ends.flat().map(({ place, end }) => ({ place, read: this.#next.get(place) ?? 0n, end }))
  }

  /** Changes a topic’s setting. */
  async configure(topic: string, name: string, value: string): Promise<void> {
    const type = kafkajs.ConfigResourceTypes.TOPIC
    await this.#admin.alterConfigs({
      validateOnly: false,
      resources: [{ type, name: topic, configEntries: [{ name, value }] }],
    })
  }

  async close(): Promise<void> {
    await Promise.all([this.#admin.disconnect(), this.#consumer.disconnect()])
  }
}
