import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import type { PublishScope } from '../publishing/publish-scope.ts'
import type { PublisherLane } from '../publishing/publisher-lane.ts'
import type { PublisherLanes } from '../publishing/publisher-lanes.ts'
import type { TopicDirectory } from '../publishing/topic-directory.ts'
import { textAt } from '../source/outbox-tuple.ts'
import { type Parked, placeOf } from './parked.ts'
import type { HeldPartition, QuarantinedRow, QuarantineSession } from './quarantine-session.ts'
import { republish } from './republish.ts'

/** How often a held partition is tried. */
const tryPolicy: BackoffPolicy = { initialMs: 250, maxMs: 5_000, factor: 2 }
/** The first rows show whether it can be written to: few, since they may be written without our knowing. */
const firstRows = 50
/** So many may be moved there while nothing at all is acknowledged: enough to come by a partition that can be written to, if there is one. */
const unprovenRowsMax = 10_000

/** What {@link HeldPartitions} needs. */
export type HeldPartitionsOptions = {
  readonly session: QuarantineSession
  readonly keeper: CheckpointKeeper
  readonly parked: Parked
  readonly topics: TopicDirectory
  readonly lanes: PublisherLanes
  readonly scope: PublishScope
  readonly sequenceHeader?: boolean
  readonly signals: TestSignals
  readonly clock: Clock
  readonly logger: Logger
  /** Told once when the work in the background fails. */
  onFailure(error: unknown): void
}

type Held = HeldPartition & {
  reason: string
  failures: number
  notBeforeMs: number
  /** The last rows that were tried got through. */
  isProven: boolean
  /** `almost done`: all but the last rows are out, and the rest goes with nothing else under way. */
  state: 'waiting' | 'almost done' | 'finishing'
}

/**
 * Partitions that cannot be written to while others can. Their rows go into the quarantine, in the checkpoint's transaction, so that neither
 * the position in the outbox nor the memory waits for them; they leave it by themselves, in order, as soon as the partition can be written to.
 *
 * All but the last page is published beside everything else, through a lane of its own, so that a broker that hangs holds up nobody. The
 * last page, and with it the release of the partition, needs a moment with nothing else under way: a row of the partition that is on its way
 * into the quarantine would otherwise be overtaken by the next one.
 */
export class HeldPartitions {
  readonly #options: HeldPartitionsOptions
  readonly #held = new Map<string, Held>()
  #rowsUnproven = 0
  #acknowledged = 0
  #work: Promise<void> | undefined
  /** The page under way beside everything else, or the last one. */
  #page: Promise<unknown> = Promise.resolve()
  #pause: Promise<void> | undefined
  #changed = Promise.withResolvers<void>()

  constructor(options: HeldPartitionsOptions) {
    this.#options = options
  }

  /** Partitions of earlier tenures. */
  resume(partitions: readonly HeldPartition[]): void {
    for (const { topic, partition } of partitions)
      this.#add(topic, partition, 'it could not be written to before')
  }

  /** Why rows wait, for people; `undefined` when none do. */
  get trouble(): string | undefined {
    const [first] = this.#held.values()
    if (!first) return undefined
    const others = this.#held.size > 1 ? `, and ${this.#held.size - 1} more` : ''
    return `partition ${first.partition} of ${first.topic} cannot be written to (${first.reason})${others}`
  }

  /**
   * Holds a partition back from now on.
   * @param isProven whether something else gets through; without that only for a number of rows
   * @returns false: it must not be held back, for it seems that nothing can be written to
   */
  hold(topic: string, partition: number, reason: string, isProven: boolean): boolean {
    const { parked, lanes, logger } = this.#options
    if (isProven || lanes.acknowledged > this.#acknowledged) this.#rowsUnproven = 0
    this.#acknowledged = lanes.acknowledged
    if (this.#rowsUnproven >= unprovenRowsMax) return false
    if (parked.holdsPartition(topic, partition)) return true
    logger.warn(
      { code: 'OUTBOX_PARTITION_HELD', topic, partition, reason },
      'a partition is held: its rows wait until it can be written to',
    )
    this.#add(topic, partition, reason)
    return true
  }

  /** So many rows are about to wait for partitions. */
  count(rows: number): void {
    this.#rowsUnproven += rows
  }

  /** Whether a partition waits for a moment with nothing else under way. */
  get isDue(): boolean {
    return this.#held.size > 0 && [...this.#held.values()].some(({ state }) => state === 'almost done')
  }

  /** Lets the last rows of partitions out and releases them. Nothing else may be under way. @throws TenureEnded */
  async run(): Promise<void> {
    const { keeper, parked, lanes, logger } = this.#options
    // what was parked but not saved yet is not in the table
    await keeper.save()
    for (const held of [...this.#held.values()].filter(({ state }) => state === 'almost done')) {
      const { topic, partition } = held
      held.state = 'finishing'
      const outcome = await this.#publishPage(held, lanes.lane(lanes.idlest()))
      held.state = 'waiting'
      if (outcome !== 'empty') continue
      this.#held.delete(placeOf(topic, partition))
      parked.releasePartition(topic, partition)
      logger.info({ topic, partition }, 'a held partition flows again')
    }
    this.#changed.resolve()
  }

  /**
   * Forgets the partitions of a topic: its rows wait for the topic from now on. Nothing may be under way, here either.
   * @returns whether there was one
   */
  forgetTopic(topic: string): boolean {
    const mine = [...this.#held.values()].filter((held) => held.topic === topic)
    for (const { partition } of mine) {
      this.#held.delete(placeOf(topic, partition))
      this.#options.parked.releasePartition(topic, partition)
    }
    return mine.length > 0
  }

  /** Does work while nothing is under way here. */
  async apart(work: () => Promise<void>): Promise<void> {
    const begin = Promise.withResolvers<void>()
    this.#pause = begin.promise
    try {
      await this.#page
      await work()
    } finally {
      this.#pause = undefined
      begin.resolve()
    }
  }

  /** Resolves once nothing is under way any more. The tenure must have ended. */
  async settled(): Promise<void> {
    this.#changed.resolve()
    await this.#work
  }

  #add(topic: string, partition: number, reason: string): void {
    this.#options.parked.holdPartition(topic, partition, reason)
    this.#held.set(placeOf(topic, partition), {
      topic,
      partition,
      reason,
      failures: 0,
      notBeforeMs: performance.now() + backoffMs(1, tryPolicy, Math.random()),
      isProven: false,
      state: 'waiting',
    })
    this.#changed.resolve()
    this.#work ??= this.#workBeside()
      .catch((error: unknown) => this.#options.onFailure(error))
      .finally(() => {
        this.#work = undefined
      })
  }

  async #workBeside(): Promise<void> {
    const { scope, clock, lanes } = this.#options
    while (this.#held.size > 0 && !scope.signal.aborted) {
      this.#changed = Promise.withResolvers()
      const next = [...this.#held.values()]
        .filter(({ state }) => state === 'waiting')
        .toSorted((a, b) => a.notBeforeMs - b.notBeforeMs)[0]
      const pauseMs = next ? next.notBeforeMs - performance.now() : tryPolicy.maxMs
      if (!next || pauseMs > 0) {
        const woken = new AbortController()
        const { promise: changed } = this.#changed
        await Promise.race([changed, clock.pause(pauseMs, AbortSignal.any([woken.signal, scope.signal]))])
        woken.abort()
        continue
      }
      if (this.#pause) {
        await this.#pause
        continue
      }
      const page = this.#publishPage(next, lanes.side)
      this.#page = page.catch(() => undefined)
      const outcome = await page
      if (outcome === 'empty') next.state = 'almost done'
    }
  }

  /** Publishes the first rows that wait. `empty`: these were the last ones as far as can be seen. */
  async #publishPage(held: Held, lane: PublisherLane): Promise<'empty' | 'more' | 'trouble'> {
    const { session, keeper, parked, topics, signals } = this.#options
    const { topic, partition } = held
    const known = topics.known(topic) ?? (await topics.look(topic))
    if (known.partitions === undefined) return this.#failed(held, known.reason)
    const page = await session.readPartition(topic, partition)
    const [rows, waiting] = this.#withoutParkedKeys(topic, page.rows)
    const part = held.isProven ? rows : rows.slice(0, firstRows)
    const isLast = !page.full && part.length === rows.length
    if (part.length === 0 && waiting.length === 0) return isLast ? 'empty' : 'more'
    await signals.reach('relay.drain.before')
    const { drained, refused, topicFailure, trouble } = await republish(
      part,
      { topic, partitions: known.partitions, headFirst: false },
      this.#options,
      lane,
    )
    for (const row of refused) parked.parkKey(row.topic, row.key)
    if (drained.length + refused.length + waiting.length > 0) {
      keeper.moveTo(keeper.cursor, 0, { drained, refused, waiting })
      await keeper.save()
    }
    await signals.reach('relay.drain.after')
    const failure = topicFailure ?? trouble
    if (failure === undefined) return this.#gotThrough(held, isLast && refused.length === 0)
    return this.#failed(held, failure)
  }

  #failed(held: Held, reason: string): 'trouble' {
    held.isProven = false
    held.failures++
    held.reason = reason
    held.notBeforeMs = performance.now() + backoffMs(held.failures, tryPolicy, Math.random())
    return 'trouble'
  }

  #gotThrough(held: Held, isLast: boolean): 'empty' | 'more' {
    if (!held.isProven)
      // others that waited for the same broker need not wait any longer
      for (const other of this.#held.values()) other.notBeforeMs = 0
    held.isProven = true
    held.failures = 0
    held.notBeforeMs = 0
    return isLast ? 'empty' : 'more'
  }

  /** A key may have been parked after rows of it came to wait for their partition: they wait behind its refused row then. */
  #withoutParkedKeys(topic: string, page: readonly QuarantinedRow[]): [readonly QuarantinedRow[], string[]] {
    const { parked } = this.#options
    const isParked = ({ row }: QuarantinedRow): boolean => parked.holdsKey(topic, textAt(row, 'aggregateid'))
    return [page.filter((row) => !isParked(row)), page.filter(isParked).map(({ row }) => textAt(row, 'seq'))]
  }
}
