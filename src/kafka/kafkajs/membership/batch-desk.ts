import type { EachBatchPayload } from 'kafkajs'
import { systemClock } from '../../../kernel/clock.ts'
import { reasonOf } from '../../../kernel/errors.ts'
import type { Logger } from '../../../kernel/logger.ts'
import type { BatchLanes } from '../../../transport/group/batch-lanes.ts'
import { Tenure } from '../../../transport/group/tenure.ts'
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

/** How long a partition stays paused after a batch: a tenure means until it is over. */
type Pause = 'none' | Tenure | { readonly ms: number }

/** Takes batches from kafkajs to the handler and their results back. */
export class BatchDesk {
  readonly #settings: BatchDeskSettings

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
      this.#resumeAfter(payload.pause(), earlier)
      return
    }
    const handling = lanes.run(lane, () => this.#handle(payload, tenure))
    const pause = await this.#patiently(payload, tenure, handling)
    if (pause === 'late') {
      this.#resumeAfter(
        payload.pause(),
        handling.then((it) => this.#pass(it)),
      )
    } else if (pause !== 'none') {
      this.#resumeAfter(payload.pause(), this.#pass(pause))
    }
  }

  async #patiently(
    payload: EachBatchPayload,
    tenure: Tenure,
    handling: Promise<Pause>,
  ): Promise<Pause | 'late'> {
    const until = performance.now() + patienceMs
    while (performance.now() < until) {
      if (await settlesWithin(handling, heartbeatCheckMs)) return handling
      await payload.heartbeat().catch((thrown: unknown) => {
        if (isMembershipLost(thrown)) tenure.windDown()
      })
    }
    return 'late'
  }

  async #handle(payload: EachBatchPayload, tenure: Tenure): Promise<Pause> {
    // it may have waited for a slot
    if (tenure.signal.aborted || this.#settings.closing.aborted) return 'none'
    const { batch } = payload
    const records = receivedRecords(payload)
    const first = records[0]
    const last = records.at(-1)
    if (first === undefined || last === undefined) return 'none'
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
    if (result.kind === 'stop') return tenure
    const nextOffset = result.kind === 'done' ? last.offset + 1n : result.nextOffset
    // in a later tenure the position is what was committed
    if (!tenure.isOver) payload.resolveOffset(String(nextOffset - 1n))
    return result.kind === 'done' ? 'none' : { ms: result.retryAfterMs }
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

  #resumeAfter(resume: () => void, end: Promise<unknown>): void {
    void end.then(resume, resume)
  }

  async #pass(pause: Pause): Promise<void> {
    if (pause === 'none') return
    if (pause instanceof Tenure) await pause.over
    else await systemClock.pause(pause.ms, this.#settings.closing)
  }
}
