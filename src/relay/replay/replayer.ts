import { reasonOf } from '../../kernel/errors.ts'
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
import { recordOfRow } from '../publishing/record-of-row.ts'
import type { TopicDirectory } from '../publishing/topic-directory.ts'
import type { Parked } from '../quarantine/parked.ts'
import { type OutboxTuple, textAt } from '../source/outbox-tuple.ts'
import { endOfPage } from '../source/window-machine.ts'
import { replayedRecord } from './replayed-record.ts'
import type { Replay, ReplaySession } from './replay-session.ts'

/** How often a wish is looked for. */
const lookEveryMs = 1_000
/** After trouble with Kafka. */
const troubleMs = 1_000
/** Along the sequence: one slice reads so far at most, so that new rows wait for some milliseconds only. */
const sliceSpan = 20_000n

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

/** What a slice came to. */
type Slice = { published: number; skipped: number; refused: number; failure?: string; isInTrouble?: true }

/**
 * Sends published rows again, as operators wish. Only the owner does it, a slice at a time with nothing else under way, so that no new row of a
 * key comes between the rows of a slice; new rows flow between slices. What is held back stays so: rows of such a key, topic or partition are
 * passed over, for they would overtake. After a crash the slice that was under way is sent once more.
 */
export class Replayer {
  readonly #options: ReplayerOptions
  readonly #compacted = new Map<string, boolean>()
  #replay: Replay | undefined
  #notBeforeMs = 0

  constructor(options: ReplayerOptions) {
    this.#options = options
  }

  get isDue(): boolean {
    return performance.now() >= this.#notBeforeMs
  }

  /** Looks for a wish, or does the next slice. Nothing else may be under way. @throws TenureEnded */
  async run(): Promise<void> {
    const { session, keeper, signals, logger } = this.#options
    this.#replay ??= await session.nextReplay()
    const replay = this.#replay
    if (!replay) {
      this.#notBeforeMs = performance.now() + lookEveryMs
      return
    }
    await signals.reach('relay.replay.before')
    const { position, to } = replay
    const upTo = position + sliceSpan < to ? position + sliceSpan : to
    const page = await session.readReplay(replay, upTo, keeper.cursor.previous.text)
    const slice = await this.#send(replay, page.rows)
    if (slice.isInTrouble) {
      this.#notBeforeMs = performance.now() + troubleMs
      return
    }
    const end = endOfPage({ kind: 'early', xids: [], after: position, upTo }, page)
    const state = slice.failure !== undefined ? 'failed' : end >= to ? 'completed' : 'running'
    const { published, skipped, refused, failure } = slice
    const isSaved = await session.saveReplay({
      id: replay.id,
      epoch: keeper.epoch,
      position: state === 'failed' ? position : end,
      published,
      skipped,
      refused,
      state,
      ...(failure !== undefined && { failure }),
    })
    await signals.reach('relay.replay.after')
    this.#replay = isSaved && state === 'running' ? { ...replay, position: end } : undefined
    if (state === 'failed') logger.warn({ replay: replay.id, reason: failure }, 'a replay cannot go on')
    if (state === 'completed') logger.info({ replay: replay.id }, 'a replay of this shard is completed')
  }

  async #send(replay: Replay, rows: readonly OutboxTuple[]): Promise<Slice> {
    const { parked, topics } = this.#options
    const slice: Slice = { published: 0, skipped: 0, refused: 0 }
    const entries: BatchEntry[] = []
    for (const row of rows) {
      const own = topics.nameOf(textAt(row, 'aggregatetype'))
      const topic = replay.topic ?? own
      const key = textAt(row, 'aggregateid')
      if (parked.holdsTopic(topic)) {
        slice.skipped++
        continue
      }
      const known = topics.known(topic) ?? (await topics.look(topic))
      if (known.partitions === undefined) return { ...slice, failure: known.reason }
      const refusal = topic === own ? await this.#refusalOf(topic) : undefined
      if (refusal?.isInTrouble) return { ...slice, isInTrouble: true }
      if (refusal?.reason !== undefined) return { ...slice, failure: refusal.reason }
      const partition = partitionOf(key, known.partitions)
      if (parked.causeOf(topic, key, partition)) slice.skipped++
      else entries.push({ row, record: replayedRecord(recordOfRow(row, topic, partition), replay) })
    }
    return this.#publish(entries, slice)
  }

  async #publish(entries: readonly BatchEntry[], slice: Slice): Promise<Slice> {
    const { lanes, scope, signals } = this.#options
    await publishInOrder(
      batchesOf(entries, lanes.batchSizeMax),
      {
        stillWanted: (batch) => (slice.failure !== undefined || slice.isInTrouble ? [] : batch),
        onAcknowledged: (batch) => {
          slice.published += batch.length
        },
        onRefused: () => {
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
