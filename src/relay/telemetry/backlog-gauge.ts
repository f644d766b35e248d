import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import type { Parked } from '../quarantine/parked.ts'
import type { SourceSession } from '../source/source-session.ts'
import { savedCursorOf } from '../source/window-machine.ts'
import type { RelayInstruments } from './relay-metrics.ts'

/** Once in a while: it reads up to a thousand rows. */
const everyMs = 5_000

/**
 * Keeps the gauges of what waits up to date while an outbox is owned, also while Kafka does not answer and nothing else looks at it. Does
 * nothing where nothing is measured.
 */
export class BacklogGauge {
  readonly #session: Pick<SourceSession, 'measureBacklog'>
  readonly #keeper: Pick<CheckpointKeeper, 'cursor'>
  readonly #parked: Parked
  readonly #instruments: RelayInstruments
  #timer: NodeJS.Timeout | undefined
  #isMeasuring = false

  constructor(
    session: Pick<SourceSession, 'measureBacklog'>,
    keeper: Pick<CheckpointKeeper, 'cursor'>,
    parked: Parked,
    instruments: RelayInstruments,
  ) {
    this.#session = session
    this.#keeper = keeper
    this.#parked = parked
    this.#instruments = instruments
  }

  start(): void {
    if (!this.#instruments.isRecording) return
    this.#timer = setInterval(() => void this.measure(), everyMs)
    void this.measure()
  }

  /** What is not ours is not known to us. */
  stop(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    const { pending, oldestAge, parkedKeys, parkedTopics, parkedRows, heldPartitions } = this.#instruments
    for (const gauge of [pending, oldestAge, parkedKeys, parkedTopics, parkedRows, heldPartitions])
      gauge.set(undefined)
  }

  /** Measures once. Never rejects: a session that fails is noticed by those who work with it. */
  async measure(): Promise<void> {
    if (this.#isMeasuring) return
    this.#isMeasuring = true
    try {
      const { pending, oldestAgeSeconds, parked } = await this.#session.measureBacklog(
        savedCursorOf(this.#keeper.cursor),
      )
      if (this.#timer === undefined) return
      this.#instruments.pending.set(pending)
      this.#instruments.oldestAge.set(oldestAgeSeconds)
      this.#instruments.parkedRows.set(parked)
      this.#instruments.parkedKeys.set(this.#parked.keyCount)
      this.#instruments.parkedTopics.set(this.#parked.topics.length)
      this.#instruments.heldPartitions.set(this.#parked.partitions.length)
    } catch {
      // the next look meets the same error and begins anew
    } finally {
      this.#isMeasuring = false
    }
  }
}
