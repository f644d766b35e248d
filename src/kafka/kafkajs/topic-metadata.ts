import { AdminConnection } from './client/admin-connection.ts'
import type { Client } from './client/client.ts'
import { isTopicError, kafkaError } from './errors.ts'

/** A count is asked for again after this long. */
const knownForMs = 5_000

/** A topic that was missing may be created any moment. */
const missingForMs = 1_000

type Entry = { readonly count: number | undefined; readonly askAgainAtMs: number }

/** How many partitions topics have, from a connection of its own and a cache of a few seconds. */
export class TopicMetadata {
  readonly #connection: AdminConnection
  readonly #entries = new Map<string, Entry>()
  readonly #asked = new Map<string, Promise<number | undefined>>()

  constructor(newClient: () => Client) {
    this.#connection = new AdminConnection(newClient)
  }

  /**
   * The partitions of a topic; `undefined` where it does not exist or may not be described.
   * @throws `KAFKA_UNREACHABLE`, `KAFKA_ACCESS_DENIED`
   */
  async partitionCount(topic: string): Promise<number | undefined> {
    const entry = this.#entries.get(topic)
    if (entry !== undefined && performance.now() < entry.askAgainAtMs) return entry.count
    const asked = this.#asked.get(topic)
    if (asked !== undefined) return asked
    const answer = countPartitions(this.#connection, topic)
      .then((count) => {
        const forMs = count === undefined ? missingForMs : knownForMs
        this.#entries.set(topic, { count, askAgainAtMs: performance.now() + forMs })
        return count
      })
      .finally(() => this.#asked.delete(topic))
    this.#asked.set(topic, answer)
    return answer
  }

  /** Forgets what it knows of a topic. */
  forget(topic: string): void {
    this.#entries.delete(topic)
  }

  close(graceMs?: number): Promise<void> {
    return this.#connection.close(graceMs)
  }
}

/** Asks the brokers for the partitions of one topic: one topic a call, since kafkajs answers a list with one missing topic by an error alone. */
export async function countPartitions(
  connection: AdminConnection,
  topic: string,
): Promise<number | undefined> {
  const place = `partitions of ${topic}`
  try {
    return await connection.use(place, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics.find((it) => it.name === topic)?.partitions.length
    })
  } catch (thrown) {
    if (isTopicError(thrown)) return undefined
    throw kafkaError(thrown, place)
  }
}
