import type { Logger } from '../../kernel/logger.ts'
import { isTopicName, topicOf } from '../../message/topic.ts'
import type { TopicPin, TopicSession } from './topic-session.ts'
import type { PublisherLanes } from './publisher-lanes.ts'
import type { PublishScope } from './publish-scope.ts'
import { TenureEnded } from './tenure-ended.ts'

/** A topic as the relay knows it. Without partitions it cannot be written to, for the reason given. */
export type KnownTopic =
  | { readonly name: string; readonly partitions: number; readonly laneOffset: number }
  | { readonly name: string; readonly partitions: undefined; readonly reason: string }

/** What a {@link TopicDirectory} needs. */
export type TopicDirectoryOptions = {
  readonly lanes: PublisherLanes
  readonly session: TopicSession
  readonly prefix: string
  readonly scope: Pick<PublishScope, 'signal' | 'heard'>
  readonly logger: Logger
}

/**
 * The topics of an outbox, by aggregate type. The number of partitions that a topic is written to with is pinned in the database at its first
 * use, and stays whatever becomes of the topic: with another one the rows of a key could meet on two partitions. An operator adopts a new
 * number. A topic with fewer partitions than pinned cannot be written to until then.
 */
export class TopicDirectory {
  readonly #topics = new Map<string, KnownTopic>()
  readonly #pins = new Map<string, number>()
  readonly #changed = new Map<string, number>()
  readonly #options: TopicDirectoryOptions

  constructor(options: TopicDirectoryOptions) {
    this.#options = options
  }

  /** Takes over what is pinned. */
  resume(pins: readonly TopicPin[]): void {
    for (const { topic, partitions } of pins) this.#pins.set(topic, partitions)
  }

  nameOf(aggregateType: string): string {
    return topicOf(aggregateType, this.#options.prefix)
  }

  /** What is known of the topic already. */
  known(name: string): KnownTopic | undefined {
    return this.#topics.get(name)
  }

  /** Names of the topics that rows went to in this tenure. */
  get names(): readonly string[] {
    return [...this.#topics.keys()]
  }

  /** Topics that have another number of partitions than they are written to with, for people. */
  get changes(): readonly string[] {
    return [...this.#changed].map(([name, count]) => changeOf(name, count, this.#pins.get(name)))
  }

  /** Asks Kafka. Waits until it answers. @throws TenureEnded */
  async look(name: string): Promise<KnownTopic> {
    const { lanes, session, scope } = this.#options
    if (!isTopicName(name))
      return { name, partitions: undefined, reason: `"${name}" is no name that Kafka allows` }
    const count = await lanes.partitionCount(name, scope.signal, scope.heard)
    if (scope.signal.aborted) throw new TenureEnded()
    if (count === undefined)
      return { name, partitions: undefined, reason: `the topic "${name}" does not exist` }
    const pinned = this.#pins.get(name) ?? (await session.pinTopic(name, count))
    this.#pins.set(name, pinned)
    this.noteCount(name, count)
    if (count < pinned) return { name, partitions: undefined, reason: changeOf(name, count, pinned) }
    return this.#know(name, pinned)
  }

  /** Notes the number of partitions that a topic has just now; says so, once, when it is another one than is used. */
  noteCount(name: string, count: number): void {
    const pinned = this.#pins.get(name) ?? count
    if (count === pinned) return void this.#changed.delete(name)
    if (this.#changed.get(name) === count) return
    this.#changed.set(name, count)
    this.#options.logger.warn(
      { code: 'OUTBOX_PARTITIONS_CHANGED', topic: name, partitions: count, pinned },
      count > pinned
        ? 'a topic has more partitions than it is written to with: adopt the new number to use them'
        : 'a topic has fewer partitions than it is written to with: its rows wait until the new number is adopted',
    )
  }

  /** From now on the topic is written to with this number of partitions. Nothing may be under way, and it must be saved. */
  adopt(name: string, partitions: number): void {
    this.#pins.set(name, partitions)
    this.#changed.delete(name)
    this.#know(name, partitions)
  }

  #know(name: string, partitions: number): KnownTopic {
    // topics of one partition each must not all meet in one lane
    const known = this.#topics.get(name)
    const laneOffset = known?.partitions === undefined ? this.#topics.size : known.laneOffset
    const topic = { name, partitions, laneOffset }
    this.#topics.set(name, topic)
    return topic
  }
}

function changeOf(name: string, count: number, pinned: number | undefined): string {
  return `${name} has ${count} partitions and is written to with ${pinned}: run backstitch topics adopt ${name}`
}
