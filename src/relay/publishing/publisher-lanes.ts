import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import { silentLogger } from '../../kernel/logger.ts'
import type { PublishFailure } from '../../transport/publisher.ts'
import { type LaneOptions, PublisherLane } from './publisher-lane.ts'

/** The publishers of a relay process, shared by all its databases. */
export class PublisherLanes {
  readonly all: readonly PublisherLane[]
  /** Beside the others, for what must not hold them up: partitions that could not be written to. Opened when it is first needed. */
  readonly side: PublisherLane
  /** Records that one publish may carry at most. */
  readonly batchSizeMax: number
  #acknowledged = 0

  /** @param count how many publish at the same time */
  constructor(options: LaneOptions & { readonly count: number }) {
    const laneOptions = { ...options, onAcknowledged: () => void (this.#acknowledged += 1) }
    this.all = Array.from({ length: options.count }, () => new PublisherLane(laneOptions))
    // its trouble is told by whoever uses it
    this.side = new PublisherLane({ ...options, logger: silentLogger })
    this.batchSizeMax = options.transport.capabilities.batchSizeMax
  }

  /** Publishes of the lanes that were acknowledged, in whole or in part: whether anything gets through meanwhile. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** The lane with the least to do. */
  idlest(): number {
    let best = 0
    for (let index = 1; index < this.all.length; index++)
      if (this.#load(index) < this.#load(best)) best = index
    return best
  }

  /** The lane of that number. */
  lane(index: number): PublisherLane {
    const lane = this.all[index % this.all.length]
    if (!lane) throw new RangeError(`there is no lane ${index}`)
    return lane
  }

  /** Why nothing gets through just now. */
  get trouble(): string | undefined {
    return this.all.find(({ trouble }) => trouble !== undefined)?.trouble
  }

  /** Forgets what went wrong with publishes that nobody tries again. */
  forgetTrouble(): void {
    for (const lane of this.all) lane.forgetTrouble()
  }

  /**
   * Partitions of a topic, `undefined` where it does not exist. Waits for Kafka to answer.
   * Resolves to `undefined` as well when the signal aborts: look at the signal.
   * @param heard called after each try
   */
  async partitionCount(topic: string, signal: AbortSignal, heard?: () => void): Promise<number | undefined> {
    for (;;) {
      const answer = await this.lane(this.idlest()).partitionCount(topic, signal)
      heard?.()
      if (typeof answer !== 'object' || signal.aborted) return typeof answer === 'object' ? undefined : answer
    }
  }

  /** Opens all publishers; resolves once Kafka answers, or the signal aborts. @throws `KAFKA_ACCESS_DENIED` */
  async open(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.all.map(async (lane) => {
        let failure: PublishFailure | undefined
        do {
          failure = await lane.open(signal)
          if (isBackstitchError(failure?.cause) && !failure.cause.retriable) throw failure.cause
        } while (failure && !signal.aborted)
      }),
    )
  }

  /** Lets go of all publishers within the time. Never rejects. */
  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.all, this.side].map((lane) => lane.close(graceMs).catch(reasonOf)))
  }

  #load(index: number): number {
    return this.all[index]?.load ?? 0
  }
}
