import type { TestSignals } from '../../kernel/test-signals.ts'
import type { ReceivedBatch } from '../../transport/subscriber.ts'
import type { PartitionAttempts } from '../attempts/partition-attempts.ts'
import type { Entry } from './lane.ts'
import type { PartitionMachine } from './partition-machine.ts'

/** When offsets are committed: a commit costs a round trip to the broker; what is not committed costs as many duplicates after a crash. */
export type CommitPolicy = {
  readonly recordsMax: number
  readonly ageMaxMs: number
  /** After a partition has become idle, at the soonest so long after the last commit. */
  readonly idleMs: number
}

/** A partition as long as it is this member’s: its records in hand, and how far its offsets are committed. */
export class PartitionTenure<Target> {
  readonly topic: string
  readonly partition: number
  /** `topic/partition` */
  readonly name: string
  readonly machine: PartitionMachine<Target>
  readonly signal: AbortSignal
  /** Resolves when nothing of it is in hand any more and its offsets are committed as far as they could be. */
  readonly ended: Promise<void>
  /** Notes what is begun; `undefined` where nothing does. */
  attempts: PartitionAttempts | undefined
  /** It stands in the dispatcher’s list of those with something to take. */
  isQueued = false
  isWindingDown = false
  /** Why it does not go on, by the surroundings’ fault. */
  waitsFor: { readonly reason: string; readonly entry: Entry<Target> | undefined } | undefined
  highWatermark: bigint
  /** When something was last finished, or begun anew after there was nothing. */
  movedAtMs: number
  #batch: ReceivedBatch
  #committed: bigint | undefined
  #finishedCount = 0
  #committedAtMs: number
  #committing: Promise<void> | undefined
  #isStale = false
  readonly #end: () => void
  #room: (() => void) | undefined

  constructor(batch: ReceivedBatch, machine: PartitionMachine<Target>, nowMs: number) {
    this.topic = batch.topic
    this.partition = batch.partition
    this.name = `${batch.topic}/${batch.partition}`
    this.signal = batch.signal
    this.machine = machine
    this.highWatermark = batch.highWatermark
    this.movedAtMs = nowMs
    this.#batch = batch
    this.#committedAtMs = nowMs
    // what stands before the first record was committed, or never was there
    this.#committed = batch.records[0]?.offset
    const ended = Promise.withResolvers<void>()
    this.ended = ended.promise
    this.#end = ended.resolve
  }

  /** Takes in a batch; its commit is the one that is used from now on. */
  take(batch: ReceivedBatch, nowMs: number): void {
    this.#batch = batch
    this.highWatermark = batch.highWatermark
    if (this.machine.count === 0) this.movedAtMs = nowMs
    this.machine.add(batch.records, this.attempts?.fetched(batch.records, batch.highWatermark))
  }

  /** Records were finished. */
  moved(count: number, nowMs: number): void {
    this.#finishedCount += count
    this.movedAtMs = nowMs
  }

  /** When the next commit is due; never while there is nothing to commit. */
  commitDueMs({ recordsMax, ageMaxMs, idleMs }: CommitPolicy): number {
    if (this.#isStale || this.#committing !== undefined) return Infinity
    if (this.machine.nextOffset === this.#committed) return Infinity
    if (this.isWindingDown || this.#finishedCount >= recordsMax) return 0
    return this.#committedAtMs + (this.machine.count === 0 ? idleMs : ageMaxMs)
  }

  /** Commits the finished prefix. Never rejects: a commit that fails is made good by the next one, and until then the inbox knows. */
  commit(kind: string, signals: TestSignals, now: () => number): Promise<void> {
    this.#committing ??= this.#commit(kind, signals, now).finally(() => (this.#committing = undefined))
    return this.#committing
  }

  async #commit(kind: string, signals: TestSignals, now: () => number): Promise<void> {
    const next = this.machine.nextOffset
    if (next === undefined || next === this.#committed || this.#isStale) return
    this.#finishedCount = 0
    this.#committedAtMs = now()
    await signals.reach(`${kind}.offsets.before`)
    const outcome = await this.#batch.commit(next)
    if (outcome === 'committed') this.#committed = next
    if (outcome === 'stale') this.#isStale = true
    await signals.reach(`${kind}.offsets.after`)
  }

  /** The partition belongs to another member. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** Resolves once {@link giveRoom} is called. */
  untilRoom(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#room = resolve
    return promise
  }

  giveRoom(): void {
    this.#room?.()
    this.#room = undefined
  }

  /** All is said and done. */
  end(): void {
    this.giveRoom()
    this.#end()
  }
}
