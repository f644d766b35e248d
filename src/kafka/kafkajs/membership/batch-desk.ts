import type { EachBatchPayload } from 'kafkajs'
import { systemClock } from '../../../kernel/clock.ts'
import { reasonOf } from '../../../kernel/errors.ts'
import type { Logger } from '../../../kernel/logger.ts'
import type { BatchLanes } from '../../../transport/group/batch-lanes.ts'
import type { Tenure } from '../../../transport/group/tenure.ts'
import type { BatchResult, ReceivedBatch } from '../../../transport/subscriber.ts'
import { settlesWithin } from '../../../transport/settles-within.ts'
import { isMembershipLost } from '../errors.ts'
import { receivedRecords } from './received-batch.ts'

/**
 * How long kafkajs waits for a handler. Until all handlers have returned it neither reads for other partitions nor joins the group anew;
 * after this long the partition is paused and the handler goes on beside it.
 */
const patienceMs = 1_000

/** While kafkajs waits, the group is asked this often whether it still counts on us (kafkajs sends fewer: its heartbeat interval). */
const heartbeatCheckMs = 250

/** A handler that throws is tried again after this long. */
const afterThrowMs = 1_000

/** While the member joins anew, kafkajs may hand over what it read before; it is read again afterwards. */
const joiningPauseMs = 50

/** What the desk needs of its surroundings. */
export type BatchDeskSettings = {
  readonly lanes: BatchLanes
  readonly onBatch: (batch: ReceivedBatch) => Promise<BatchResult>
  readonly logger: Logger
  /** Aborts when the member leaves: nothing is begun any more, pauses end. */
  readonly closing: AbortSignal
}

/** What ends the pause of a partition after a batch; the end of the tenure always does. */
type Pause = { readonly until: Promise<unknown> }

/** A partition that kafkajs does not read for the time being. */
type Paused = { readonly tenure: Tenure; readonly resume: () => void; readonly sinceMs: number }

/**
 * kafkajs looks for partitions that may be read again only when a fetch has ended. While one is paused, fetches are therefore held shorter:
 * this part of the time for which it has been paused already, ...
 */
const lookAgainPart = 1 / 8

/** ... but no shorter than this. */
const lookAgainMinMs = 10

/** Takes batches from kafkajs to the handler and their results back. */
export class BatchDesk {
  readonly #settings: BatchDeskSettings
  /** By lane. */
  readonly #paused = new Map<string, Paused>()
  #pausing: Tenure | undefined

  constructor(settings: BatchDeskSettings) {
    this.#settings = settings
  }

  /** Resolves when kafkajs may go on; never rejects, since a rejection would crash the whole consumer. */
  async handOver(payload: EachBatchPayload, tenure: Tenure | undefined): Promise<void> {
    const { lanes, closing } = this.#settings
    if (tenure === undefined || tenure.signal.aborted || closing.aborted) {
      await systemClock.pause(joiningPauseMs, closing)
      return
    }
    const lane = `${payload.batch.topic}/${payload.batch.partition}`
    const earlier = lanes.busy(lane)
    if (earlier !== undefined) {
      // of a tenure before, still in hand: nothing is resolved, so this batch is read again
      this.#pause(payload, tenure, { until: earlier })
      return
    }
    const handling = lanes.run(lane, () => this.#handle(payload, tenure))
    const pause = await this.#patiently(payload, tenure, handling)
    if (pause === 'late') this.#pause(payload, tenure, { until: handling.then((late) => late?.until) })
    else if (pause !== undefined) this.#pause(payload, tenure, pause)
  }

  /** How long the next fetch may be held at most, where it is `maxWaitMs` as long as no partition is paused. */
  waitMs(maxWaitMs: number): number {
    const now = performance.now()
    let waitMs = maxWaitMs
    for (const { sinceMs } of this.#paused.values())
      waitMs = Math.min(waitMs, Math.max(lookAgainMinMs, Math.ceil((now - sinceMs) * lookAgainPart)))
    return waitMs
  }

  async #patiently(
    payload: EachBatchPayload,
    tenure: Tenure,
    handling: Promise<Pause | undefined>,
  ): Promise<Pause | undefined | 'late'> {
    const until = performance.now() + patienceMs
    while (performance.now() < until) {
      if (await settlesWithin(handling, heartbeatCheckMs)) return handling
      await payload.heartbeat().catch((thrown: unknown) => {
        if (isMembershipLost(thrown)) tenure.windDown()
      })
    }
    return 'late'
  }

  async #handle(payload: EachBatchPayload, tenure: Tenure): Promise<Pause | undefined> {
    // it may have waited for a slot
    if (tenure.signal.aborted || this.#settings.closing.aborted) return undefined
    const { batch } = payload
    const records = receivedRecords(payload)
    const first = records[0]
    const last = records.at(-1)
    if (first === undefined || last === undefined) return undefined
    let result: BatchResult
    try {
      result = await this.#settings.onBatch({
        topic: batch.topic,
        partition: batch.partition,
        records,
        highWatermark: BigInt(batch.highWatermark),
        signal: tenure.signal,
        commit: (nextOffset) => this.#commit(payload, tenure, nextOffset),
      })
    } catch (thrown) {
      const place = { topic: batch.topic, partition: batch.partition, error: reasonOf(thrown) }
      this.#settings.logger.error(place, 'a batch handler threw; its batch is handed over again')
      result = { kind: 'retryAfter', retryAfterMs: afterThrowMs, nextOffset: first.offset }
    }
    if (result.kind === 'stop') return { until: new Promise(() => undefined) }
    const nextOffset = result.kind === 'done' ? last.offset + 1n : result.nextOffset
    // in a later tenure the position is what was committed
    if (!tenure.isOver) payload.resolveOffset(String(nextOffset - 1n))
    if (result.kind === 'done') return result.pauseUntil && { until: result.pauseUntil }
    return { until: systemClock.pause(result.retryAfterMs, this.#settings.closing) }
  }

  async #commit(
    payload: EachBatchPayload,
    tenure: Tenure,
    nextOffset: bigint,
  ): Promise<'committed' | 'stale' | 'failed'> {
    // kafkajs would send it under whatever generation it is in by now. Between this line and its reading the generation nothing waits.
    if (tenure.isOver) return 'stale'
    const { topic, partition } = payload.batch
    const partitions = [{ partition, offset: String(nextOffset) }]
    try {
      await payload.commitOffsetsIfNecessary({ topics: [{ topic, partitions }] })
      return 'committed'
    } catch (thrown) {
      if (isMembershipLost(thrown)) {
        tenure.windDown()
        return 'stale'
      }
      const place = { topic, partition, nextOffset: String(nextOffset), error: reasonOf(thrown) }
      this.#settings.logger.warn(place, 'an offset was not committed; its records may come again')
      return tenure.isOver ? 'stale' : 'failed'
    }
  }

  #pause(payload: EachBatchPayload, tenure: Tenure, { until }: Pause): void {
    // kafkajs keeps pauses over a rebalance, and the next tenure begins with none
    if (tenure.isOver) return
    if (this.#pausing !== tenure) {
      this.#pausing = tenure
      void tenure.over.then(() => this.#resumeAll(tenure))
    }
    const lane = `${payload.batch.topic}/${payload.batch.partition}`
    const paused: Paused = { tenure, resume: payload.pause(), sinceMs: performance.now() }
    this.#paused.set(lane, paused)
    const end = (): void => this.#resume(lane, paused)
    until.then(end, end)
  }

  /** Unless it has been resumed, or paused anew, since. */
  #resume(lane: string, paused: Paused): void {
    if (this.#paused.get(lane) !== paused) return
    this.#paused.delete(lane)
    paused.resume()
  }

  #resumeAll(tenure: Tenure): void {
    for (const [lane, paused] of this.#paused) if (paused.tenure === tenure) this.#resume(lane, paused)
  }
}
