import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import { type BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { TransportAdmin } from '../../transport/admin.ts'
import { partitionOf } from '../../transport/partition.ts'
import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import type { BatchEntry } from '../publishing/batch-entry.ts'
import { batchesOf } from '../publishing/batches-of.ts'
import { publishInOrder } from '../publishing/publish-in-order.ts'
import type { PublishScope } from '../publishing/publish-scope.ts'
import type { PublisherLanes } from '../publishing/publisher-lanes.ts'
import { recordOfRow } from '../record/record-of-row.ts'
import type { TopicDirectory } from '../publishing/topic-directory.ts'
import type { Parked } from '../quarantine/parked.ts'
import { type OutboxTuple, textAt } from '../source/outbox-tuple.ts'
import { endOfPage } from '../source/window-machine.ts'
import { replayedRecord } from './replayed-record.ts'
import type { Replay, ReplaySession } from './replay-session.ts'

/** How often a wish is looked for. Also the time before the first one in a tenure: what is new comes first, whatever becomes of a replay. */
const lookEveryMs = 1_000
/** After trouble with Kafka or the database. */
const troublePolicy: BackoffPolicy = { initialMs: 1_000, maxMs: 30_000, factor: 2 }
/** A slice that the database does not read in time is read in smaller ones, so often. */
const slowReadsMax = 5
/** The database refuses to look for wishes, or to note what became of one: a person has to see to it. */
const refusedMs = 30_000
/** Along the sequence: one slice reads so far at most, so that new rows wait for some milliseconds only. */
const sliceSpan = 20_000n
/** Everything else waits meanwhile, so a broker that does not answer is waited for less long than usual. */
const deadlineShare = 1 / 3

/** What a replayer needs. */
export type ReplayerOptions = {
  readonly session: ReplaySession
  readonly keeper: Pick<CheckpointKeeper, 'cursor' | 'epoch'>
  readonly parked: Parked
  readonly topics: TopicDirectory
  readonly lanes: PublisherLanes
  readonly scope: PublishScope
  /** Opens a connection for a question about a topic. */
  readonly admin: () => TransportAdmin
  readonly signals: TestSignals
  readonly logger: Logger
}

/** What a try at a slice came to. */
type Slice = { published: number; skipped: number; refused: number; failure?: string; isInTrouble?: true }

/**
 * Sends published rows again, as operators wish. Only the owner does it, a slice at a time with nothing else under way, so that no new row of a
 * key comes between the rows of a slice; new rows flow between slices. What is held back stays so: rows of such a key, topic or partition are
 * passed over, for they would overtake.
 *
 * With trouble on the way the slice is saved up to the first row that did not get through; what got through behind it is kept in mind, and not
 * sent again in this tenure. After a crash at most the slice that was under way is sent once more. A replay that the database refuses to read
 * has failed: nothing else waits for it.
 */
export class Replayer {
  readonly #options: ReplayerOptions
  readonly #compacted = new Map<string, boolean>()
  /** By `seq`: rows behind the position that need nothing more. Those of one slice at most. */
  readonly #settled = new Set<string>()
  #replay: Replay | undefined
  /** One of which nothing can be noted: its slice would be sent again and again. */
  #unnoted: string | undefined
  #span = sliceSpan
  #troubles = 0
  #slowReads = 0
  #notBeforeMs = performance.now() + lookEveryMs

  constructor(options: ReplayerOptions) {
    this.#options = options
  }

  get isDue(): boolean {
    return performance.now() >= this.#notBeforeMs
  }

  /** Looks for a wish, or does the next slice. Nothing else may be under way. @throws TenureEnded */
  async run(): Promise<void> {
    try {
      await this.#run()
    } catch (error) {
      if (isBackstitchError(error, 'DATABASE_TOO_SLOW')) await this.#tooSlow(error)
      else if (isBackstitchError(error, 'REPLAY_FAILED')) await this.#giveUp(error)
      else throw error
    }
  }

  async #run(): Promise<void> {
    const { session, keeper, signals, logger } = this.#options
    this.#replay ??= await session.nextReplay()
    const replay = this.#replay
    if (!replay || replay.id === this.#unnoted) {
      this.#replay = undefined
      this.#notBeforeMs = performance.now() + (replay ? refusedMs : lookEveryMs)
      return
    }
    await signals.reach('relay.replay.before')
    const { position, to } = replay
    const upTo = position + this.#span < to ? position + this.#span : to
    const page = await session.readReplay(replay, upTo, keeper.cursor.previous.text)
    const { published, skipped, refused, failure, isInTrouble } = await this.#send(replay, page.rows)
    const unsettled = page.rows.find((row) => !this.#settled.has(textAt(row, 'seq')))
    const end = unsettled
      ? BigInt(textAt(unsettled, 'seq')) - 1n
      : endOfPage({ kind: 'early', xids: [], after: position, upTo }, page)
    const state = failure !== undefined ? 'failed' : !isInTrouble && end >= to ? 'completed' : 'running'
    const isSaved = await session.saveReplay({
      id: replay.id,
      epoch: keeper.epoch,
      position: end,
      published,
      skipped,
      refused,
      state,
      ...(failure !== undefined && { failure }),
    })
    await signals.reach('relay.replay.after')
    this.#slowReads = 0
    this.#troubles = isInTrouble ? this.#troubles + 1 : 0
    if (isInTrouble) this.#pause()
    else if (this.#span < sliceSpan) this.#span *= 2n
    if (isSaved && state === 'running') this.#moveTo({ ...replay, position: end })
    else this.#forget()
    if (state === 'failed') logger.warn({ replay: replay.id, reason: failure }, 'a replay cannot go on')
    if (state === 'completed') logger.info({ replay: replay.id }, 'a replay of this shard is completed')
  }

  #moveTo(replay: Replay): void {
    this.#replay = replay
    for (const seq of this.#settled) if (BigInt(seq) <= replay.position) this.#settled.delete(seq)
  }

  #forget(): void {
    this.#replay = undefined
    this.#settled.clear()
    this.#span = sliceSpan
    this.#slowReads = 0
  }

  #pause(): void {
    this.#notBeforeMs = performance.now() + backoffMs(this.#troubles, troublePolicy, Math.random())
  }

  /** A smaller slice may be read in time, and the database may be less busy later. */
  #tooSlow(error: BackstitchError): Promise<void> | void {
    this.#troubles++
    this.#slowReads++
    if (this.#span > 1n) this.#span = this.#span / 4n || 1n
    if (this.#replay && this.#slowReads >= slowReadsMax) return this.#giveUp(error)
    this.#pause()
  }

  /** What the database refuses it would refuse each time. */
  async #giveUp(error: BackstitchError): Promise<void> {
    const { session, keeper, logger } = this.#options
    const replay = this.#replay
    const failure = reasonOf(error)
    logger.warn({ replay: replay?.id, code: error.code, reason: failure }, 'a replay cannot go on')
    this.#forget()
    this.#notBeforeMs = performance.now() + refusedMs
    if (!replay) return
    const { id, position } = replay
    const nothing = { published: 0, skipped: 0, refused: 0 }
    const progress = { id, epoch: keeper.epoch, position, ...nothing, state: 'failed', failure } as const
    try {
      await session.saveReplay(progress)
      this.#notBeforeMs = performance.now() + lookEveryMs
    } catch (other) {
      if (!isBackstitchError(other, 'DATABASE_TOO_SLOW') && !isBackstitchError(other, 'REPLAY_FAILED'))
        throw other
      this.#unnoted = id
    }
  }

  async #send(replay: Replay, rows: readonly OutboxTuple[]): Promise<Slice> {
    const { parked, topics } = this.#options
    const slice: Slice = { published: 0, skipped: 0, refused: 0 }
    const entries: BatchEntry[] = []
    for (const row of rows) {
      if (this.#settled.has(textAt(row, 'seq'))) continue
      const own = topics.nameOf(textAt(row, 'aggregatetype'))
      const topic = replay.topic ?? own
      const key = textAt(row, 'aggregateid')
      if (parked.holdsTopic(topic)) {
        this.#skip(row, slice)
        continue
      }
      const known = topics.known(topic) ?? (await topics.look(topic))
      if (known.partitions === undefined) return { ...slice, failure: known.reason }
      const refusal = topic === own ? await this.#refusalOf(topic) : undefined
      if (refusal?.isInTrouble) return { ...slice, isInTrouble: true }
      if (refusal?.reason !== undefined) return { ...slice, failure: refusal.reason }
      const partition = partitionOf(key, known.partitions)
      if (parked.causeOf(topic, key, partition)) this.#skip(row, slice)
      else entries.push({ row, record: replayedRecord(recordOfRow(row, topic, partition), replay) })
    }
    return this.#publish(entries, slice)
  }

  #skip(row: OutboxTuple, slice: Slice): void {
    this.#settled.add(textAt(row, 'seq'))
    slice.skipped++
  }

  async #publish(entries: readonly BatchEntry[], slice: Slice): Promise<Slice> {
    const { lanes, scope, signals } = this.#options
    await publishInOrder(
      batchesOf(entries, lanes.batchSizeMax),
      {
        stillWanted: (batch) => (slice.failure !== undefined || slice.isInTrouble ? [] : batch),
        onAcknowledged: (batch) => {
          for (const { row } of batch) this.#settled.add(textAt(row, 'seq'))
          slice.published += batch.length
        },
        onRefused: ({ row }) => {
          this.#settled.add(textAt(row, 'seq'))
          slice.refused++
        },
        onTopicFailure: (_, __, { reason }) => {
          slice.failure = reason
          return Promise.resolve('blocked')
        },
        onTrouble: () => {
          slice.isInTrouble = true
          return Promise.resolve()
        },
      },
      { lane: lanes.lane(lanes.idlest()), scope, signals },
      { deadlineShare },
    )
    return slice
  }

  /**
   * A compacted topic keeps the last record of a key: an old one that comes again would replace a newer one for good.
   * @returns nothing when it may be written to
   */
  async #refusalOf(
    topic: string,
  ): Promise<{ readonly reason?: string; readonly isInTrouble?: true } | undefined> {
    let isCompacted = this.#compacted.get(topic)
    if (isCompacted === undefined) {
      const admin = this.#options.admin()
      try {
        const found = (await admin.describeTopics([topic])).get(topic)
        if (found?.config === undefined)
          return {
            reason: `the cleanup.policy of "${topic}" is not to be seen: a compacted topic takes no replay`,
          }
        isCompacted = found.config.get('cleanup.policy')?.includes('compact') ?? false
        this.#compacted.set(topic, isCompacted)
      } catch (error) {
        this.#options.logger.warn({ topic, reason: reasonOf(error) }, 'a replay waits: Kafka does not answer')
        return { isInTrouble: true }
      } finally {
        await admin.close()
      }
    }
    return isCompacted
      ? {
          reason: `"${topic}" is compacted: an old record would replace a newer one. Replay to another topic`,
        }
      : undefined
  }
}
