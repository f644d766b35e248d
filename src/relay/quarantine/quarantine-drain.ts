import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import type { PublishScope } from '../publishing/publish-scope.ts'
import type { PublisherLanes } from '../publishing/publisher-lanes.ts'
import type { TopicDirectory } from '../publishing/topic-directory.ts'
import { partitionOf } from '../../transport/partition.ts'
import { textAt } from '../source/outbox-tuple.ts'
import type { HeldPartitions } from './held-partitions.ts'
import type { Parked } from './parked.ts'
import type {
  IntendedKey,
  ParkedKey,
  QuarantineChange,
  QuarantinedRow,
  QuarantineSession,
  RefusedRow,
} from './quarantine-session.ts'
import { republish } from './republish.ts'

/** How often operators’ wishes are looked for, while anything is parked. */
const intentsEveryMs = 500
/** And otherwise, should ever a row be in the quarantine that nothing holds back. */
const intentsEveryIdleMs = 10_000
/** How often a missing topic is looked for: so often at first, then ever less. */
const topicEveryMs = 2_000
const topicEveryMsMax = 10_000
/** Rows whose wishes are taken in at once. */
const intentsMax = 2_000
/** Seqs that a line of the log names. */
const seqsLogged = 20
/** Keys that are worked on between two looks at the outbox, some milliseconds each. */
const keysAtOnce = 5

/** What a drain needs. */
export type QuarantineDrainOptions = {
  readonly session: QuarantineSession
  readonly keeper: CheckpointKeeper
  readonly parked: Parked
  readonly held: Pick<HeldPartitions, 'hold' | 'count'>
  readonly topics: TopicDirectory
  readonly lanes: PublisherLanes
  readonly scope: PublishScope
  readonly sequenceHeader?: boolean
  readonly signals: TestSignals
  readonly logger: Logger
}

/** Pages of a topic that are let out between two looks at the outbox. */
const topicPagesAtOnce = 4
/** A key that did not get through is tried again so often. */
const keyEveryMs = 2_000

/** Everything else waits meanwhile, so a broker that does not answer is waited for less long than usual. */
const deadlineShare = 1 / 3

type Draining = { readonly topic: string; readonly key: string; afterSeq: string; notBeforeMs: number }

/**
 * Lets rows out of the quarantine: keys whose operator said retry or skip, keys with no refused row left, and topics that can be written to
 * at last. Only the owner of the outbox does it, with nothing else under way, a page at a time so that other rows do not wait long. What
 * was published leaves the quarantine together with the checkpoint, and a key or topic is released only when none of its rows is left.
 */
export class QuarantineDrain {
  readonly #options: QuarantineDrainOptions
  readonly #keys = new Map<string, Draining>()
  readonly #topics = new Map<string, { nextMs: number; everyMs: number }>()
  #lookedForIntentsMs = performance.now()
  #intentsAfter = '-1'

  constructor(options: QuarantineDrainOptions) {
    this.#options = options
  }

  /** Keys of earlier tenures: those without a refused row go on by themselves. */
  resume(keys: readonly ParkedKey[]): void {
    for (const { topic, key, refused } of keys) if (!refused) this.#beginKey(topic, key)
  }

  get isDue(): boolean {
    const { parked } = this.#options
    const now = performance.now()
    if (parked.isEmpty) return now >= this.#lookedForIntentsMs + intentsEveryIdleMs
    return (
      now >= this.#lookedForIntentsMs + intentsEveryMs ||
      this.#keysToDrain(now).length > 0 ||
      this.#topicsToCheck(now).length > 0
    )
  }

  /** Does what is due. Nothing else may be under way. @throws TenureEnded */
  async run(): Promise<void> {
    const { session, keeper } = this.#options
    // what was parked but not saved yet is not in the table
    await keeper.save()
    if (performance.now() >= this.#lookedForIntentsMs + intentsEveryMs) {
      this.#lookedForIntentsMs = performance.now()
      const page = await session.readIntents(intentsMax, this.#intentsAfter)
      const isLast = page.rows < intentsMax
      // in turns: wishes that cannot be carried out yet must not keep the others waiting
      this.#intentsAfter = isLast ? '-1' : page.lastSeq
      const skipped = await this.#takeAll(page.keys)
      if (skipped && !isLast) this.#lookedForIntentsMs -= intentsEveryMs
    }
    // the one before may have found its partition in trouble
    for (const draining of this.#keysToDrain(performance.now()).slice(0, keysAtOnce))
      if (performance.now() >= draining.notBeforeMs) await this.#drainKey(draining)
    for (const topic of this.#topicsToCheck(performance.now())) await this.#drainTopic(topic)
  }

  #keysToDrain(now: number): readonly Draining[] {
    return [...this.#keys.values()].filter(
      ({ topic, notBeforeMs }) => now >= notBeforeMs && !this.#options.parked.holdsTopic(topic),
    )
  }

  #topicsToCheck(now: number): readonly string[] {
    return this.#options.parked.topics.filter((topic) => now >= (this.#topics.get(topic)?.nextMs ?? 0))
  }

  #beginKey(topic: string, key: string): void {
    const name = `${topic}\0${key}`
    if (!this.#keys.has(name)) this.#keys.set(name, { topic, key, afterSeq: '-1', notBeforeMs: 0 })
  }

  /** @returns whether rows were skipped */
  async #takeAll(keys: readonly IntendedKey[]): Promise<boolean> {
    const { keeper, parked, logger } = this.#options
    const skipped = keys.filter((intended) => !this.#isForDrain(intended) && intended.skips.length > 0)
    for (const intended of keys) if (this.#isForDrain(intended)) this.#beginKey(intended.topic, intended.key)
    if (skipped.length === 0) return false
    keeper.moveTo(keeper.cursor, 0, { drained: skipped.flatMap(({ skips }) => skips) })
    await keeper.save()
    for (const { topic, key, skips } of skipped)
      logger.info(
        { topic, key, seqs: skips.slice(0, seqsLogged), rows: skips.length },
        'parked rows were skipped',
      )
    // a refused row need not be the first one of its key: with it gone nothing is in the way of the others
    for (const { topic, key, isBlocked } of skipped)
      if (!isBlocked && parked.holdsKey(topic, key)) this.#beginKey(topic, key)
    for (const topic of new Set(skipped.map(({ topic }) => topic))) await this.#releaseTopicIfEmpty(topic)
    return true
  }

  /** A wish that sets the key going from its first row on. All others are skips of rows further behind, or of rows that wait for their topic. */
  #isForDrain({ waitsForTopic, retry, skips, head }: IntendedKey): boolean {
    return !waitsForTopic && (retry || skips.includes(head))
  }

  /** After a skip: a topic that no row waits for is not held any more, whether it exists or not. */
  async #releaseTopicIfEmpty(topic: string): Promise<void> {
    const { session, parked } = this.#options
    if (!parked.holdsTopic(topic) || (await session.readTopic(topic)).rows.length > 0) return
    this.#topics.delete(topic)
    parked.releaseTopic(topic)
  }

  async #drainKey(draining: Draining): Promise<void> {
    const { session, parked, logger } = this.#options
    const { topic, key, afterSeq } = draining
    const known = await this.#partitionsOf(topic)
    if (known === undefined) return
    if (parked.holdsPartition(topic, partitionOf(key, known))) {
      draining.notBeforeMs = performance.now() + keyEveryMs
      return
    }
    const { rows, full } = await session.readKey(topic, key, afterSeq)
    const { refused, topicFailure, trouble } = await this.#republish(rows, topic, known, afterSeq === '-1')
    if (topicFailure !== undefined) return this.#postpone(topic, topicFailure)
    if (trouble !== undefined) {
      draining.afterSeq = '-1'
      this.#postponeKeys(topic, partitionOf(key, known), known)
    } else if (refused > 0) this.#keys.delete(`${topic}\0${key}`)
    else if (!full && afterSeq !== '-1') {
      // a row with a smaller `seq` may have been parked since the key was begun
      draining.afterSeq = '-1'
    } else if (!full) {
      this.#keys.delete(`${topic}\0${key}`)
      parked.releaseKey(topic, key)
      logger.info({ topic, key }, 'a parked key flows again')
    } else {
      const last = rows.at(-1)
      if (last) draining.afterSeq = textAt(last.row, 'seq')
    }
  }

  /** A partition has trouble: all its keys are tried later, for each of them would take as long to find out. */
  #postponeKeys(topic: string, partition: number, partitions: number): void {
    const notBeforeMs = performance.now() + keyEveryMs
    for (const draining of this.#keys.values())
      if (draining.topic === topic && partitionOf(draining.key, partitions) === partition)
        draining.notBeforeMs = notBeforeMs
  }

  async #drainTopic(topic: string): Promise<void> {
    const { session, parked, logger } = this.#options
    const known = await this.#partitionsOf(topic)
    if (known === undefined) return
    // several pages a turn: rows that come meanwhile are parked too, a page a turn, and the topic must get ahead of them
    for (let page = 0, isFull = true; isFull; page++) {
      if (page === topicPagesAtOnce) return
      const { rows, full } = await session.readTopic(topic)
      const { free, waiting, held } = this.#sorted(rows, topic, known)
      const outcome = await this.#republish(free, topic, known, false, { waiting, held })
      const failure = outcome.topicFailure ?? outcome.trouble
      if (failure !== undefined) return this.#postpone(topic, failure)
      // after trouble, which took its time, the rest has its next turn
      if (outcome.hadTrouble) return
      isFull = full
    }
    this.#topics.delete(topic)
    parked.releaseTopic(topic)
    logger.info({ topic }, 'a parked topic flows again')
  }

  /**
   * Parts the rows of a topic that can go from those of parked keys, which wait behind a refused row, and those of held partitions, which
   * wait behind earlier rows there. Rows that are to be skipped can go in any case.
   */
  #sorted(
    rows: readonly QuarantinedRow[],
    topic: string,
    partitions: number,
  ): { free: QuarantinedRow[]; waiting: string[]; held: { seq: string; partition: number }[] } {
    const { parked } = this.#options
    const free: QuarantinedRow[] = []
    const waiting: string[] = []
    const held: { seq: string; partition: number }[] = []
    for (const quarantined of rows) {
      const { row, intent } = quarantined
      const [seq, key] = [textAt(row, 'seq'), textAt(row, 'aggregateid')]
      const partition = partitionOf(key, partitions)
      if (intent === 'skip') free.push(quarantined)
      else if (parked.holdsKey(topic, key)) waiting.push(seq)
      else if (parked.holdsPartition(topic, partition)) held.push({ seq, partition })
      else free.push(quarantined)
    }
    return { free, waiting, held }
  }

  async #partitionsOf(topic: string): Promise<number | undefined> {
    const found = await this.#options.topics.look(topic)
    if (found.partitions === undefined) this.#postpone(topic, found.reason)
    return found.partitions
  }

  /** The topic cannot be written to: it is looked for again, ever less often. */
  #postpone(topic: string, reason: string): void {
    const { parked } = this.#options
    if (!parked.holdsTopic(topic)) parked.parkTopic(topic, reason)
    const last = this.#topics.get(topic)?.everyMs
    const everyMs = last === undefined ? topicEveryMs : Math.min(topicEveryMsMax, last * 1.5)
    this.#topics.set(topic, { everyMs, nextMs: performance.now() + everyMs })
  }

  async #republish(
    rows: readonly QuarantinedRow[],
    topic: string,
    partitions: number,
    headFirst: boolean,
    others?: Required<Pick<QuarantineChange, 'waiting' | 'held'>>,
  ): Promise<{
    refused: number
    hadTrouble: boolean
    topicFailure: string | undefined
    trouble: string | undefined
  }> {
    const { keeper, parked, held: partitionsHeld, signals } = this.#options
    await signals.reach('relay.drain.before')
    const outcome = await republish(
      rows,
      {
        topic,
        partitions,
        headFirst,
        deadlineShare,
        ...(others && {
          hold: (partition: number, reason: string, isProven: boolean) =>
            partitionsHeld.hold(topic, partition, reason, isProven),
        }),
      },
      this.#options,
    )
    const { drained, refused, topicFailure, trouble } = outcome
    for (const row of refused) parked.parkKey(row.topic, row.key)
    const waiting = [...(others?.waiting ?? []), ...rowsBehind(refused, rows, drained)]
    const held = [...(others?.held ?? []), ...outcome.held]
    if (drained.length + refused.length + waiting.length + held.length > 0) {
      partitionsHeld.count(held.length)
      keeper.moveTo(keeper.cursor, 0, { drained, refused, waiting, held })
      await keeper.save()
    }
    await signals.reach('relay.drain.after')
    return { refused: refused.length, hadTrouble: outcome.hadTrouble, topicFailure, trouble }
  }
}

/** Rows of refused keys that were tried together with the refused row and were left, by `seq`. */
function rowsBehind(
  refused: readonly RefusedRow[],
  rows: readonly QuarantinedRow[],
  drained: readonly string[],
): string[] {
  if (refused.length === 0) return []
  const keys = new Set(refused.map(({ key }) => key))
  const settled = new Set([...drained, ...refused.map(({ seq }) => seq)])
  return rows
    .filter(({ row }) => keys.has(textAt(row, 'aggregateid')) && !settled.has(textAt(row, 'seq')))
    .map(({ row }) => textAt(row, 'seq'))
}
