import { BrokerRefusal, kafkaError } from './broker-refusal.ts'
import type { Cluster } from './cluster.ts'
import { code } from './error-codes.ts'
import { isMissing, type TopicView, topicViewOf } from './topic-view.ts'

/** A count of partitions is asked for again after this long. */
const knownForMs = 5_000

/** A topic that was missing may be created any moment. */
const missingForMs = 1_000

type Entry = TopicView & {
  readonly askAgainAtMs: number
  /** Partitions that it does not have may be created any moment, too. */
  readonly missingUntilMs: number
}

/** Which broker leads which partition, as last heard. */
export class TopicLeaders {
  readonly #cluster: Cluster
  readonly #entries = new Map<string, Entry>()
  readonly #asked = new Map<string, Promise<TopicView>>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The number of the broker; `missing` where there is no such partition, `undefined` where it has to be asked for: see {@link ask}. */
  leaderOf(topic: string, partition: number): number | 'missing' | undefined {
    const entry = this.#entries.get(topic)
    if (entry === undefined) return undefined
    const leader = entry.leaders[partition]
    if (leader !== undefined) return leader < 0 ? undefined : leader
    if (!isMissing(entry) && entry.errorCode !== code.none) return undefined
    return performance.now() < entry.missingUntilMs ? 'missing' : undefined
  }

  /** The topic’s id, as last heard. */
  idOf(topic: string): string | undefined {
    return this.#entries.get(topic)?.id
  }

  /** Whether the topic does not exist, as last heard. */
  isGone(topic: string): boolean {
    return this.#entries.get(topic)?.errorCode === code.unknownTopicOrPartition
  }

  /** Why a topic is missing. */
  reasonMissing(topic: string, partition: number): string {
    const entry = this.#entries.get(topic)
    if (entry === undefined || entry.errorCode === code.unknownTopicOrPartition)
      return `the topic ${topic} does not exist`
    if (entry.errorCode !== code.none) return `${topic}: ${new BrokerRefusal(entry.errorCode).message}`
    return `the topic ${topic} has ${entry.leaders.length} partitions, and no partition ${partition}`
  }

  /**
   * The partitions of a topic, from memory for a few seconds; `undefined` where it does not exist or may not be described.
   * @throws `KAFKA_UNREACHABLE`, `KAFKA_ACCESS_DENIED`
   */
  async partitionCount(topic: string): Promise<number | undefined> {
    const entry = this.#entries.get(topic)
    const view =
      entry !== undefined && performance.now() < entry.askAgainAtMs
        ? entry
        : await this.ask(topic).catch((thrown: unknown) => {
            throw kafkaError(thrown, `partitions of ${topic}`)
          })
    if (isMissing(view)) return undefined
    if (view.errorCode === code.none) return view.leaders.length
    throw kafkaError(new BrokerRefusal(view.errorCode), `partitions of ${topic}`)
  }

  /** Asks a broker about a topic, once at a time. @throws what the library throws when none answers */
  ask(topic: string): Promise<TopicView> {
    const asked = this.#asked.get(topic)
    if (asked !== undefined) return asked
    const asking = this.#cluster
      .describe([topic])
      .then((answer) => {
        const view = topicViewOf(answer, topic)
        const missingUntilMs = performance.now() + missingForMs
        const askAgainAtMs = isMissing(view) ? missingUntilMs : performance.now() + knownForMs
        this.#entries.set(topic, { ...view, askAgainAtMs, missingUntilMs })
        return view
      })
      .finally(() => this.#asked.delete(topic))
    this.#asked.set(topic, asking)
    return asking
  }

  /** What was heard of a topic is not true any more. */
  forget(topic: string): void {
    this.#entries.delete(topic)
  }
}
