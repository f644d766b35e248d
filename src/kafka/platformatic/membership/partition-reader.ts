import { systemClock } from '../../../kernel/clock.ts'
import { reasonOf } from '../../../kernel/errors.ts'
import type { MembershipSettings } from '../../../transport/group/lasting-subscriber.ts'
import type { Tenure } from '../../../transport/group/tenure.ts'
import type { BatchResult, ReceivedBatch } from '../../../transport/subscriber.ts'
import type { FetchedRecords } from '../decoding/record-batches.ts'

/** A handler that throws is tried again after this long. */
const afterThrowMs = 1_000

/** What a reader needs of its surroundings. */
export type PartitionReaderSettings = Pick<MembershipSettings, 'lanes' | 'onBatch' | 'logger'> & {
  readonly tenure: Tenure
  readonly commit: (
    topic: string,
    partition: number,
    nextOffset: bigint,
  ) => ReturnType<ReceivedBatch['commit']>
  /** It may be fetched for (again). */
  readonly onWanting: () => void
}

/** Records as they came, and the end of the partition then. */
export type Fetched = FetchedRecords & { readonly highWatermark: bigint }

/** One partition during a tenure: where it is read, and what is in hand. One batch is fetched ahead. */
export class PartitionReader {
  readonly topic: string
  readonly partition: number
  readonly #settings: PartitionReaderSettings
  #position: bigint | undefined
  #next: Fetched | undefined
  #takenAtMs = 0
  #isWorking = false
  #isPaused = false
  /** What ends the pause; none where only the end of the tenure does. */
  #pause: Promise<unknown> | undefined

  constructor(topic: string, partition: number, settings: PartitionReaderSettings) {
    this.topic = topic
    this.partition = partition
    this.#settings = settings
  }

  /** The next offset to fetch; `undefined` until {@link seek}. */
  get position(): bigint | undefined {
    return this.#position
  }

  /** Whether it can take more records now. */
  get isWanting(): boolean {
    return !this.#isPaused && this.#next === undefined
  }

  /** When it took its last records, on the clock of `performance.now()`. */
  get takenAtMs(): number {
    return this.#takenAtMs
  }

  /** Goes on at an offset; `undefined`: it has to be found out. */
  seek(position: bigint | undefined): void {
    this.#position = position
    this.#next = undefined
  }

  /** Takes what was fetched at a position, unless that is no longer where it reads. */
  take(position: bigint, fetched: Fetched): void {
    // what was on its way when the partition was paused is as good as what would be fetched again
    if (position !== this.#position || this.#next !== undefined) return
    this.#position = fetched.nextOffset
    if (fetched.records.length === 0) return
    this.#next = fetched
    this.#takenAtMs = performance.now()
    if (!this.#isWorking && !this.#isPaused) void this.#work()
  }

  async #work(): Promise<void> {
    const { lanes, tenure, onWanting } = this.#settings
    const lane = `${this.topic}/${this.partition}`
    this.#isWorking = true
    // one of a tenure before may still be in hand
    for (let busy = lanes.busy(lane); busy !== undefined; busy = lanes.busy(lane)) await busy
    while (this.#next !== undefined && !this.#isPaused && !tenure.signal.aborted) {
      await lanes.run(lane, async () => {
        const batch = this.#next
        this.#next = undefined
        onWanting()
        // it may have waited for a slot
        if (batch !== undefined && !tenure.signal.aborted) this.#conclude(await this.#handle(batch))
      })
      await this.#pass()
    }
    this.#isWorking = false
    onWanting()
  }

  #conclude(result: BatchResult): void {
    if (result.kind === 'done') this.#pause = result.pauseUntil
    else if (result.kind === 'stop') this.#next = undefined
    else {
      this.seek(result.nextOffset)
      if (result.retryAfterMs > 0)
        this.#pause = systemClock.pause(result.retryAfterMs, this.#settings.tenure.signal)
    }
    this.#isPaused = result.kind === 'stop' || this.#pause !== undefined
  }

  /** Outside of the lane: others may work meanwhile. */
  async #pass(): Promise<void> {
    if (this.#pause === undefined) return
    await this.#settings.tenure.waitFor(this.#pause)
    this.#pause = undefined
    this.#isPaused = false
  }

  async #handle({ records, highWatermark }: Fetched): Promise<BatchResult> {
    const { topic, partition } = this
    const { tenure, onBatch, logger, commit } = this.#settings
    try {
      return await onBatch({
        topic,
        partition,
        records,
        highWatermark,
        signal: tenure.signal,
        commit: (nextOffset) => commit(topic, partition, nextOffset),
      })
    } catch (thrown) {
      const place = { topic, partition, error: reasonOf(thrown) }
      logger.error(place, 'a batch handler threw; its batch is handed over again')
      return { kind: 'retryAfter', retryAfterMs: afterThrowMs, nextOffset: records[0]?.offset ?? 0n }
    }
  }
}
