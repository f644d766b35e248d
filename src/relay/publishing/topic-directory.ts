import { isTopicName, topicOf } from '../../message/topic.ts'
import type { PublisherLanes } from './publisher-lanes.ts'
import { TenureEnded } from './tenure-ended.ts'

/** A topic as the relay knows it. Without partitions it cannot be written to, for the reason given. */
export type KnownTopic =
  | { readonly name: string; readonly partitions: number; readonly laneOffset: number }
  | { readonly name: string; readonly partitions: undefined; readonly reason: string }

/**
 * The topics of an outbox, by aggregate type. The number of partitions is asked for once a tenure and kept: with another one in the middle
 * the rows of a key could meet on two partitions.
 */
export class TopicDirectory {
  readonly #topics = new Map<string, KnownTopic>()
  readonly #lanes: PublisherLanes
  readonly #prefix: string
  readonly #signal: AbortSignal
  readonly #heard: (() => void) | undefined

  /** @param heard called whenever Kafka was heard of, well or not */
  constructor(lanes: PublisherLanes, prefix: string, signal: AbortSignal, heard?: () => void) {
    this.#lanes = lanes
    this.#prefix = prefix
    this.#signal = signal
    this.#heard = heard
  }

  nameOf(aggregateType: string): string {
    return topicOf(aggregateType, this.#prefix)
  }

  /** What is known of the topic already. */
  known(name: string): KnownTopic | undefined {
    return this.#topics.get(name)
  }

  /** Asks Kafka. Waits until it answers. @throws TenureEnded */
  async look(name: string): Promise<KnownTopic> {
    const topic = await this.#ask(name)
    if (topic.partitions !== undefined) this.#topics.set(name, topic)
    return topic
  }

  async #ask(name: string): Promise<KnownTopic> {
    if (!isTopicName(name))
      return { name, partitions: undefined, reason: `"${name}" is no name that Kafka allows` }
    const partitions = await this.#lanes.partitionCount(name, this.#signal, this.#heard)
    if (this.#signal.aborted) throw new TenureEnded()
    if (partitions === undefined) return { name, partitions, reason: `the topic "${name}" does not exist` }
    // topics of one partition each must not all meet in one lane
    const known = this.#topics.get(name)
    return {
      name,
      partitions,
      laneOffset: known?.partitions === undefined ? this.#topics.size : known.laneOffset,
    }
  }
}
