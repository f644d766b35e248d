import { BackstitchError } from '../../kernel/errors.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { QuarantineChange } from '../quarantine/quarantine-session.ts'
import { type RelayInstruments, silentRelayInstruments } from '../telemetry/relay-metrics.ts'
import { type Fences, withFence } from '../source/fences.ts'
import { type Cursor, savedCursorOf } from '../source/window-machine.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { LeaseSession } from './lease-session.ts'

/** Acknowledged rows are saved at the latest after this time: so many are sent again after a crash. */
const saveAfterMs = 20
/** From half of it on a save is made wherever it costs nothing: beside a publish, or instead of another way to bring the log to disk. */
const saveAheadMs = saveAfterMs / 2
/** Or after so many rows, whichever comes first; no more than that are then under way. */
export const saveAfterRows = 2_000

/** What a keeper needs. */
export type CheckpointKeeperOptions = {
  readonly session: LeaseSession
  readonly owner: string
  readonly leaseDurationMs: number
  readonly signals: TestSignals
  /** False when nothing may be concluded from the sequence. */
  readonly sequenceInOrder: boolean
  /** Default: nothing is measured. */
  readonly instruments?: RelayInstruments
  /** Told of each save that succeeded. */
  onSaved?(): void
  /** Told of every change of the quarantine. */
  onQuarantine?(change: QuarantineChange): void
  /** Told once when a save in the background fails. */
  onFailure(error: unknown): void
}

/**
 * Holds the cursor of a tenure and saves it: what was acknowledged, the rows that go into or leave the quarantine, and the renewal of the
 * lease are one statement. Renews by itself at each third of the lease, also while the outbox is idle or Kafka is slow.
 */
export class CheckpointKeeper {
  readonly #options: CheckpointKeeperOptions
  readonly #epoch: bigint
  readonly #instruments: RelayInstruments
  readonly #renewal: NodeJS.Timeout
  #cursor: Cursor
  #number: bigint
  #fences: Fences = []
  #sequenceSeen = 0n
  #leapTo = 0n
  #change: QuarantineChange | undefined
  /** The save under way, or the last one. */
  #saving: Promise<void> = Promise.resolve()
  #unsavedRows = 0
  #unsavedSinceMs: number | undefined
  #saveSoon: NodeJS.Timeout | undefined
  #sentAtMs: number
  #leaseEndsAtMs: number
  /** The same by the wall clock, which goes on while the machine sleeps. */
  #leaseEndsAtWallMs: number

  /** @param acquiredAtMs when the lease was asked for, by {@link performance.now}: what is left of it is never overestimated */
  constructor(
    checkpoint: Checkpoint,
    cursor: Cursor,
    acquiredAtMs: number,
    options: CheckpointKeeperOptions,
  ) {
    this.#options = options
    this.#instruments = options.instruments ?? silentRelayInstruments
    this.#epoch = checkpoint.epoch
    this.#number = checkpoint.number
    this.#cursor = cursor
    this.#sentAtMs = acquiredAtMs
    this.#leaseEndsAtMs = acquiredAtMs + options.leaseDurationMs
    this.#leaseEndsAtWallMs = Date.now() - (performance.now() - acquiredAtMs) + options.leaseDurationMs
    const thirdMs = options.leaseDurationMs / 3
    this.#renewal = setInterval(() => {
      if (performance.now() - this.#sentAtMs >= thirdMs / 2) this.saveInBackground()
    }, thirdMs / 2)
  }

  get epoch(): bigint {
    return this.#epoch
  }

  /** Of the checkpoint saved last. */
  get number(): bigint {
    return this.#number
  }

  get cursor(): Cursor {
    return this.#cursor
  }

  get fences(): Fences {
    return this.#fences
  }

  get unsavedRows(): number {
    return this.#unsavedRows
  }

  /** Whether a save would be made before long anyway. */
  get isSaveNear(): boolean {
    return this.#unsavedSinceMs !== undefined && performance.now() - this.#unsavedSinceMs >= saveAheadMs
  }

  /**
   * What is left of the lease by our own clocks, counted from when its renewal was sent. It is asked for before each publish, so a process
   * that was frozen, or a machine that slept, finds out before it sends anything. (The monotonic clock stands still while a machine sleeps,
   * and the wall clock may be set: the smaller one counts, and being wrong costs a renewal.)
   */
  get remainingMs(): number {
    return Math.min(this.#leaseEndsAtMs - performance.now(), this.#leaseEndsAtWallMs - Date.now())
  }

  /** Notes the sequence’s last value. One that goes back was restarted by somebody, and nothing known of it holds any more. */
  sawSequence(last: bigint): void {
    if (!this.#options.sequenceInOrder) return
    if (last < this.#sequenceSeen) this.#fences = []
    this.#sequenceSeen = last
  }

  /** A later save goes on at this number at least: with its numbers far behind those of other shards it would keep theirs from being truncated. */
  leapTo(number: bigint): void {
    this.#leapTo = number
  }

  /** Moves the cursor: these rows are settled. They are saved soon. */
  moveTo(cursor: Cursor, rows: number, change?: QuarantineChange): void {
    this.#cursor = cursor
    if (change) {
      this.#change = merged(this.#change, change)
      this.#options.onQuarantine?.(change)
    }
    if (rows === 0 && !change) return
    this.#unsavedRows += rows
    this.#unsavedSinceMs ??= performance.now()
    this.#saveSoon ??= setTimeout(() => this.saveInBackground(), saveAfterMs)
  }

  /**
   * Saves everything up to now, after the save before it has succeeded, and not at all after one that failed: a later checkpoint would
   * otherwise stand behind rows that the failed one should have parked, and they would be in neither place.
   *
   * @throws `OUTBOX_LEASE_LOST`, or whatever an earlier save threw
   */
  save(release: boolean = false): Promise<void> {
    const saving = this.#saving.then(() => this.#save(release))
    saving.catch(() => undefined)
    this.#saving = saving
    return saving
  }

  async #save(release: boolean): Promise<void> {
    const { session, owner, leaseDurationMs, signals } = this.#options
    await signals.reach('relay.checkpoint.before')
    if (this.#change?.parked?.length) await signals.reach('relay.park.before')
    const change = this.#change
    const sequence = this.#sequenceSeen
    const sentAtMs = performance.now()
    const sentAtWallMs = Date.now()
    this.#change = undefined
    this.#unsavedRows = 0
    this.#unsavedSinceMs = undefined
    this.#sentAtMs = sentAtMs
    clearTimeout(this.#saveSoon)
    this.#saveSoon = undefined
    const saved = await session.save({
      epoch: this.#epoch,
      owner,
      leaseDurationMs,
      release,
      cursor: savedCursorOf(this.#cursor),
      ...(change ? { quarantine: change } : this.#leapTo > this.#number + 1n && { leapTo: this.#leapTo }),
    })
    if (!saved) throw new BackstitchError('OUTBOX_LEASE_LOST', `epoch ${this.#epoch} of ${owner}`)
    this.#instruments.saveDuration.record((performance.now() - sentAtMs) / 1_000)
    if (change) {
      this.#instruments.parked.add(change.parked?.length ?? 0)
      this.#instruments.drained.add(change.drained?.length ?? 0)
    }
    this.#options.onSaved?.()
    this.#number = saved.number
    this.#leaseEndsAtMs = sentAtMs + (release ? 0 : leaseDurationMs)
    this.#leaseEndsAtWallMs = sentAtWallMs + (release ? 0 : leaseDurationMs)
    if (sequence > 0n) this.#fences = withFence(this.#fences, { sequence, xid: saved.xid })
    if (change?.parked?.length) await signals.reach('relay.park.after')
    await signals.reach('relay.checkpoint.after')
  }

  /** Saves without making anybody wait: a failure is told to whoever is told of failures. */
  saveInBackground(): void {
    this.save().catch((error: unknown) => {
      this.stop()
      this.#options.onFailure(error)
    })
  }

  /** Saves nothing more by itself. */
  stop(): void {
    clearInterval(this.#renewal)
    clearTimeout(this.#saveSoon)
  }
}

function merged(first: QuarantineChange | undefined, second: QuarantineChange): QuarantineChange {
  if (!first) return second
  const moving = second.moving ?? first.moving
  return {
    parked: [...(first.parked ?? []), ...(second.parked ?? [])],
    drained: [...(first.drained ?? []), ...(second.drained ?? [])],
    refused: [...(first.refused ?? []), ...(second.refused ?? [])],
    waiting: [...(first.waiting ?? []), ...(second.waiting ?? [])],
    held: [...(first.held ?? []), ...(second.held ?? [])],
    adopted: [...(first.adopted ?? []), ...(second.adopted ?? [])],
    ...(moving !== undefined && { moving }),
  }
}
