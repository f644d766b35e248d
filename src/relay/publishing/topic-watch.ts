import type { Logger } from '../../kernel/logger.ts'
import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import type { HeldPartitions } from '../quarantine/held-partitions.ts'
import type { Parked } from '../quarantine/parked.ts'
import type { QuarantineSession } from '../quarantine/quarantine-session.ts'
import type { PublishScope } from './publish-scope.ts'
import type { PublisherLanes } from './publisher-lanes.ts'
import type { TopicDirectory } from './topic-directory.ts'
import type { TopicPin, TopicSession } from './topic-session.ts'

/** How often what operators want of topics is looked for, while a topic differs, and else. */
const wishesEveryMs = 1_000
const wishesEveryIdleMs = 10_000
/** How often Kafka is asked for the partitions of the topics that are written to. */
const countEveryMs = 30_000

/** What a {@link TopicWatch} needs. */
export type TopicWatchOptions = {
  readonly session: TopicSession & Pick<QuarantineSession, 'hasHeldRows'>
  readonly keeper: CheckpointKeeper
  readonly topics: TopicDirectory
  readonly parked: Parked
  readonly held: Pick<HeldPartitions, 'forgetTopic' | 'apart'>
  readonly lanes: PublisherLanes
  readonly scope: PublishScope
  readonly logger: Logger
}

/** Notices topics whose number of partitions has changed, and adopts a new number once an operator says so. */
export class TopicWatch {
  readonly #options: TopicWatchOptions
  #wishesAtMs = performance.now()
  #countedAtMs = performance.now()
  #counting: Promise<void> = Promise.resolve()

  constructor(options: TopicWatchOptions) {
    this.#options = options
  }

  get isDue(): boolean {
    const { topics, parked } = this.#options
    const differs = topics.changes.length > 0 || parked.topics.length > 0
    return performance.now() - this.#wishesAtMs >= (differs ? wishesEveryMs : wishesEveryIdleMs)
  }

  /** Does what is due. Nothing else may be under way. @throws TenureEnded */
  async run(): Promise<void> {
    this.#wishesAtMs = performance.now()
    if (this.#wishesAtMs - this.#countedAtMs >= countEveryMs) {
      this.#countedAtMs = this.#wishesAtMs
      // Kafka is not waited for
      this.#counting = this.#count()
    }
    for (const pin of await this.#options.session.readTopicPins())
      if (pin.adopted !== undefined) await this.#adopt(pin, pin.adopted)
  }

  /** Resolves once nothing is under way any more. The tenure must have ended. */
  settled(): Promise<void> {
    return this.#counting
  }

  async #count(): Promise<void> {
    const { topics, lanes, scope } = this.#options
    for (const name of topics.names) {
      const count = await lanes.side.partitionCount(name, scope.signal)
      if (scope.signal.aborted) return
      if (typeof count === 'number') topics.noteCount(name, count)
    }
  }

  /** Only the number that the topic has by now: what Kafka says just now may be some seconds old. */
  async #adopt({ topic, partitions: before }: TopicPin, wanted: number): Promise<void> {
    const { session, keeper, topics, parked, held, lanes, scope, logger } = this.#options
    const count = await lanes.side.partitionCount(topic, scope.signal)
    if (count !== wanted) return
    await held.apart(async () => {
      // what was parked but not saved yet is not in the table
      await keeper.save()
      while (await session.hasHeldRows(topic)) {
        if (!parked.holdsTopic(topic)) parked.parkTopic(topic, 'it has another number of partitions')
        keeper.moveTo(keeper.cursor, 0, { moving: topic })
        await keeper.save()
      }
      keeper.moveTo(keeper.cursor, 0, { adopted: [{ topic, partitions: wanted }] })
      await keeper.save()
      if (held.forgetTopic(topic)) parked.parkTopic(topic, 'it has another number of partitions')
      topics.adopt(topic, wanted)
    })
    logger.info({ topic, partitions: wanted, before }, 'a new number of partitions is adopted')
  }
}
