import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
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
/** How often Kafka is asked for the partitions of a topic of which another number is wanted than it has. */
const askPolicy: BackoffPolicy = { initialMs: 1_000, maxMs: 30_000, factor: 2 }

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
  #asking: Promise<void> = Promise.resolve()
  #isAsking = false
  /** What Kafka has just said of topics of which another number is wanted. */
  readonly #told = new Map<string, number | undefined>()
  /** When it is asked again, where it said something else. */
  readonly #misses = new Map<string, { count: number; nextMs: number }>()

  constructor(options: TopicWatchOptions) {
    this.#options = options
  }

  get isDue(): boolean {
    const { topics, parked } = this.#options
    if (this.#told.size > 0 && !this.#isAsking) return true
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
    const missing: string[] = []
    for (const pin of await this.#options.session.readTopicPins()) {
      const { topic, adopted } = pin
      if (adopted === undefined) this.#misses.delete(topic)
      // what Kafka says just now may be some seconds old, so another number is no reason to forget the wish
      else if (this.#told.get(topic) === adopted) await this.#adopt(pin, adopted)
      else missing.push(topic)
    }
    this.#ask(missing)
  }

  /** Resolves once nothing is under way any more. The tenure must have ended. */
  settled(): Promise<void> {
    return Promise.all([this.#counting, this.#asking]).then(() => undefined)
  }

  async #count(): Promise<void> {
    const { topics, lanes, scope } = this.#options
    for (const name of topics.names) {
      const count = await lanes.side.partitionCount(name, scope.signal)
      if (scope.signal.aborted) return
      if (typeof count === 'number') topics.noteCount(name, count)
    }
  }

  /** Asks Kafka for the partitions of topics, without waiting for it. */
  #ask(names: readonly string[]): void {
    if (this.#isAsking) return
    const now = performance.now()
    for (const name of names) {
      if (!this.#told.has(name)) continue
      const count = (this.#misses.get(name)?.count ?? 0) + 1
      this.#misses.set(name, { count, nextMs: now + backoffMs(count, askPolicy, Math.random()) })
    }
    this.#told.clear()
    const due = names.filter((name) => now >= (this.#misses.get(name)?.nextMs ?? 0))
    if (due.length === 0) return
    const { lanes, scope } = this.#options
    this.#isAsking = true
    this.#asking = (async () => {
      for (const name of due) {
        const count = await lanes.side.partitionCount(name, scope.signal)
        if (scope.signal.aborted) break
        this.#told.set(name, typeof count === 'number' ? count : undefined)
      }
      this.#isAsking = false
    })()
  }

  /** Only the number that the topic has by now. */
  async #adopt({ topic, partitions: before }: TopicPin, wanted: number): Promise<void> {
    const { session, keeper, topics, parked, held, logger } = this.#options
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
