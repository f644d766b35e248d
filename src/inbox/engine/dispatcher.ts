import { backoffMs } from '../../kernel/backoff.ts'
import type { Clock } from '../../kernel/clock.ts'
import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { BatchResult, ReceivedBatch } from '../../transport/subscriber.ts'
import type { AttemptWatch } from '../attempts/attempt-watch.ts'
import type { GroupWork } from '../group-work.ts'
import type { GroupWorker } from '../group-worker.ts'
import { Alarm } from './alarm.ts'
import { DueList } from './due-list.ts'
import type { Entry } from './lane.ts'
import { type NotedRunner, notedRunner } from './noted-runner.ts'
import { PartitionMachine } from './partition-machine.ts'
import { type CommitPolicy, PartitionTenure } from './partition-tenure.ts'
import type { PartitionProgress } from './progress-gauges.ts'
import { placeOf, type UnitOutcome, type UnitRunner, waitBackoff } from './unit-runner.ts'

/** What a dispatcher works with. */
export type DispatcherOptions<Target> = {
  readonly work: GroupWork<Target>
  readonly runner: UnitRunner<Target>
  /** Units in hand at the same time, over all partitions. */
  readonly concurrencyMax: number
  /** Default: nothing is noted. */
  readonly attempts?: AttemptWatch
  readonly logger: Logger
  readonly signals: TestSignals
  readonly clock: Clock
  readonly bounds?: DispatcherBounds
}

/** What may be in hand at most; past it the partition is not read until there is room. */
export type DispatcherBounds = {
  readonly partitionRecordsMax: number
  readonly recordsMax: number
  readonly bytesMax: number
}

/** Several fetches of a partition; a record and what is kept about it take one to two kilobytes. */
const defaultBounds: DispatcherBounds = {
  partitionRecordsMax: 10_000,
  recordsMax: 50_000,
  bytesMax: 64 * 1_048_576,
}

const commitPolicy: CommitPolicy = { recordsMax: 200, ageMaxMs: 1_000, idleMs: 100 }

/** A larger batch would hold its locks, and its memory, for too long. */
const unitBytesMax = 8 * 1_048_576

/** A partition with something in hand that has not moved for so long is in trouble. */
const stalledAfterMs = 60_000

type HeldEntry<Target> = { readonly tenure: PartitionTenure<Target>; readonly entry: Entry<Target> }

/**
 * Handles what a member reads: the records of all its partitions, as many units at a time as it may, those of a key in order. Partitions
 * take turns. Offsets are committed after the database has committed.
 *
 * - A partition that comes back, while something of it is in hand from before, begins when that has ended.
 * - While the surroundings do not work (the database, above all) nothing is counted and all wait; then one unit tries, and all go on after it.
 */
export class Dispatcher<Target> implements GroupWorker {
  readonly #options: DispatcherOptions<Target>
  readonly #bounds: DispatcherBounds
  readonly #run: NotedRunner<Target>
  readonly #tenures = new Map<string, PartitionTenure<Target>>()
  /** Those that are not ours any more, with something in hand. */
  readonly #ending = new Set<PartitionTenure<Target>>()
  /** Those that are not read on until there is room. */
  readonly #crowded = new Set<PartitionTenure<Target>>()
  #ready: PartitionTenure<Target>[] = []
  /** Those with a record that is to run with nothing beside it. */
  readonly #soloists = new Set<PartitionTenure<Target>>()
  readonly #held = new DueList<HeldEntry<Target>>()
  readonly #alarm: Alarm
  #inHandCount = 0
  #recordCount = 0
  #bytes = 0
  #isSuspectInHand = false
  #isSoloInHand = false
  #waits = 0
  #waitsUntilMs = 0

  constructor(options: DispatcherOptions<Target>) {
    this.#options = options
    this.#bounds = options.bounds ?? defaultBounds
    this.#run = notedRunner(options.runner, options.attempts?.turns)
    this.#alarm = new Alarm(options.clock, () => this.#ring())
  }

  readonly onBatch = async (batch: ReceivedBatch): Promise<BatchResult> => {
    const { clock } = this.#options
    if (batch.signal.aborted) return { kind: 'stop' }
    if (batch.records.length === 0) return { kind: 'done' }
    const tenure = await this.#tenureOf(batch)
    if (batch.signal.aborted || tenure === undefined || tenure.isWindingDown) return { kind: 'stop' }
    this.#count(tenure, () => tenure.take(batch, clock.now()))
    this.#queue(tenure)
    this.#pump()
    if (!this.#isFull(tenure)) return { kind: 'done' }
    this.#crowded.add(tenure)
    return { kind: 'done', pauseUntil: tenure.untilRoom() }
  }

  readonly settle = async (): Promise<void> => {
    await Promise.all([...this.#ending].map(({ ended }) => ended))
  }

  readonly trouble = (held: readonly string[]): string | undefined => {
    const nowMs = this.#options.clock.now()
    for (const name of held) {
      const tenure = this.#tenures.get(name)
      if (tenure === undefined) continue
      const at = `${name} at offset ${tenure.machine.nextOffset}`
      if (tenure.waitsFor !== undefined) return `${at}: ${tenure.waitsFor.reason}`
      if (tenure.machine.count > 0 && nowMs - tenure.movedAtMs > stalledAfterMs)
        return `${at}: nothing was finished for ${Math.round((nowMs - tenure.movedAtMs) / 1_000)} s`
    }
    return undefined
  }

  /** Of the partitions that are held just now. */
  get progress(): Iterable<PartitionProgress> {
    return this.#tenures.values()
  }

  /** The tenure that a batch belongs to, begun if it is its first. */
  async #tenureOf(batch: ReceivedBatch): Promise<PartitionTenure<Target> | undefined> {
    const { work, attempts, clock } = this.#options
    const name = `${batch.topic}/${batch.partition}`
    const known = this.#tenures.get(name)
    if (known?.signal === batch.signal) return known
    if (known !== undefined) this.#windDown(known)
    // what is in hand from before may be of the same keys, and may still fail
    for (const older of this.#ending) if (older.name === name) await older.ended
    if (batch.signal.aborted) return undefined
    const machine = new PartitionMachine<Target>({
      read: (record) => work.read(record),
      batchSizeMax: (target) => work.batchSizeMax?.(target) ?? 1,
      unitBytesMax,
    })
    const tenure = new PartitionTenure(batch, machine, clock.now())
    if (attempts !== undefined) {
      await this.#untilNoted(batch, async () => {
        tenure.attempts = await attempts.take(batch, batch.signal)
      })
      if (batch.signal.aborted) return undefined
    }
    this.#tenures.set(name, tenure)
    batch.signal.addEventListener('abort', () => this.#windDown(tenure), { once: true })
    return tenure
  }

  async #untilNoted(batch: ReceivedBatch, note: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#options
    for (let failures = 1; !batch.signal.aborted; failures++) {
      try {
        return await note()
      } catch (thrown) {
        const { topic, partition } = batch
        const fields = { topic, partition, reason: reasonOf(thrown) }
        if (failures === 1) logger.warn(fields, 'a partition waits to begin; it goes on by itself')
        await clock.pause(backoffMs(failures, waitBackoff, Math.random()), batch.signal)
      }
    }
  }

  #windDown(tenure: PartitionTenure<Target>): void {
    if (tenure.isWindingDown) return
    tenure.isWindingDown = true
    tenure.machine.stop()
    tenure.giveRoom()
    this.#crowded.delete(tenure)
    if (this.#tenures.get(tenure.name) === tenure) this.#tenures.delete(tenure.name)
    this.#recordCount -= tenure.machine.count
    this.#bytes -= tenure.machine.bytes
    this.#ending.add(tenure)
    this.#held.forget((held) => held.tenure === tenure)
    this.#soloists.delete(tenure)
    if (tenure.machine.inHandCount === 0) void this.#end(tenure)
    // that this process lives is to be known before the partition has its next owner
    else void tenure.attempts?.giveBack()
    this.#giveRoom()
  }

  async #end(tenure: PartitionTenure<Target>): Promise<void> {
    const { work, signals, clock } = this.#options
    const now = (): number => clock.now()
    // one that is under way may have been of an earlier offset
    await tenure.commit(work.kind, signals, now).catch(() => undefined)
    await tenure.commit(work.kind, signals, now).catch(() => undefined)
    await tenure.attempts?.giveBack()
    this.#ending.delete(tenure)
    tenure.end()
    if (this.#tenures.size === 0 && this.#ending.size === 0) this.#alarm.off()
  }

  #queue(tenure: PartitionTenure<Target>): void {
    if (tenure.machine.hasSolo) this.#soloists.add(tenure)
    if (tenure.isQueued || !tenure.machine.isReady(!this.#isSuspectInHand)) return
    tenure.isQueued = true
    this.#ready.push(tenure)
  }

  /** Begins what can be begun. */
  #pump(): void {
    const nowMs = this.#options.clock.now()
    if (nowMs < this.#waitsUntilMs) return this.#alarm.set(this.#waitsUntilMs)
    // after a wait one unit goes ahead
    const concurrencyMax = this.#waits > 0 ? 1 : this.#options.concurrencyMax
    while (this.#inHandCount < concurrencyMax && !this.#isSoloInHand) {
      const [soloist] = this.#soloists
      if (soloist !== undefined) {
        if (this.#inHandCount > 0) return
        this.#beginSolo(soloist)
        continue
      }
      const tenure = this.#ready.shift()
      if (tenure === undefined) return
      tenure.isQueued = false
      let unit: Entry<Target>[] | undefined
      this.#count(tenure, () => (unit = tenure.machine.take(!this.#isSuspectInHand)))
      this.#queue(tenure)
      if (unit !== undefined) void this.#finishUnit(tenure, unit, this.#run.together(tenure, unit))
      else {
        this.#offsetsMoved(tenure)
        this.#giveRoom()
      }
    }
  }

  /** Begins a record beside which nothing may be in hand. */
  #beginSolo(tenure: PartitionTenure<Target>): void {
    // partitions take turns
    this.#soloists.delete(tenure)
    const entry = tenure.machine.takeSolo()
    this.#queue(tenure)
    if (entry === undefined) return
    this.#isSoloInHand = true
    void this.#finishUnit(tenure, [entry], this.#run.solo(tenure, entry))
  }

  /** Keeps the sums of all partitions in step with what a call does to one. */
  #count(tenure: PartitionTenure<Target>, act: () => void): void {
    const { machine } = tenure
    const [count, bytes] = [machine.count, machine.bytes]
    act()
    if (tenure.isWindingDown) return
    this.#recordCount += machine.count - count
    this.#bytes += machine.bytes - bytes
  }

  async #finishUnit(
    tenure: PartitionTenure<Target>,
    unit: readonly Entry<Target>[],
    running: Promise<UnitOutcome>,
  ): Promise<void> {
    const isSuspect = unit[0]?.isSuspect === true
    const isSolo = unit[0]?.isSolo === true
    this.#inHandCount += 1
    if (isSuspect) this.#isSuspectInHand = true
    const outcome = await running
    this.#inHandCount -= 1
    if (isSuspect) this.#isSuspectInHand = false
    if (isSolo) this.#isSoloInHand = false
    this.#take(tenure, unit, outcome)
    if (isSuspect) for (const each of this.#tenures.values()) this.#queue(each)
    else this.#queue(tenure)
    this.#pump()
    if (tenure.isWindingDown && tenure.machine.inHandCount === 0) void this.#end(tenure)
  }

  #take(tenure: PartitionTenure<Target>, unit: readonly Entry<Target>[], outcome: UnitOutcome): void {
    const { machine } = tenure
    const [first] = unit
    const nowMs = this.#options.clock.now()
    if (outcome.kind !== 'waits') this.#waits = 0
    switch (outcome.kind) {
      case 'done': {
        const { rest } = outcome
        this.#count(tenure, () => machine.finish(rest ? unit.filter((entry) => !rest.has(entry)) : unit))
        if (rest)
          machine.putBack(
            unit.filter((entry) => rest.has(entry)),
            true,
          )
        tenure.moved(unit.length, nowMs)
        this.#goesOn(tenure, first)
        this.#offsetsMoved(tenure)
        return this.#giveRoom()
      }
      case 'alone':
        return machine.putBack(unit, true)
      case 'left':
        machine.stop()
        return machine.putBack(unit, false)
      case 'waits':
        machine.putBack(unit, false)
        return this.#wait(tenure, first, outcome.thrown, nowMs)
      case 'held':
        if (first === undefined) return
        machine.hold(first)
        if (outcome.isWaiting) this.#announce(tenure, first, outcome.thrown, outcome.retryAfterMs, first)
        if (tenure.isWindingDown) return
        this.#held.add(nowMs + outcome.retryAfterMs, { tenure, entry: first })
        this.#alarm.set(nowMs + outcome.retryAfterMs)
    }
  }

  #wait(
    tenure: PartitionTenure<Target>,
    entry: Entry<Target> | undefined,
    thrown: unknown,
    nowMs: number,
  ): void {
    // of the units that were in hand together the first one says it for all
    if (nowMs >= this.#waitsUntilMs) {
      const pauseMs = backoffMs(++this.#waits, waitBackoff, Math.random())
      this.#waitsUntilMs = nowMs + pauseMs
    }
    this.#alarm.set(this.#waitsUntilMs)
    this.#announce(tenure, entry, thrown, this.#waitsUntilMs - nowMs)
  }

  /**
   * One line for the first wait of a partition; the waits after it say nothing new.
   * @param waiting the one that waits, where it is not the whole partition
   */
  #announce(
    tenure: PartitionTenure<Target>,
    entry: Entry<Target> | undefined,
    thrown: unknown,
    retryAfterMs: number,
    waiting?: Entry<Target>,
  ): void {
    const { logger } = this.#options
    const code = isBackstitchError(thrown) ? thrown.code : undefined
    const reason = reasonOf(thrown)
    const fields = { ...(entry && placeOf(entry)), code, reason, retryAfterMs }
    if (tenure.waitsFor === undefined)
      logger.warn(fields, 'a partition waits; nothing is lost, and it goes on by itself')
    else logger.debug(fields, 'a partition still waits')
    tenure.waitsFor = { reason, entry: waiting }
  }

  #goesOn(tenure: PartitionTenure<Target>, entry: Entry<Target> | undefined): void {
    if (tenure.waitsFor === undefined) return
    if (tenure.waitsFor.entry !== undefined && tenure.waitsFor.entry !== entry) return
    tenure.waitsFor = undefined
    if (entry) this.#options.logger.info(placeOf(entry), 'a partition goes on')
  }

  #offsetsMoved(tenure: PartitionTenure<Target>): void {
    if (tenure.isWindingDown) return // committed when it ends
    const dueMs = tenure.commitDueMs(commitPolicy)
    const { work, signals, clock } = this.#options
    if (dueMs > clock.now()) return this.#alarm.set(dueMs)
    void tenure
      .commit(work.kind, signals, () => clock.now())
      .catch(() => undefined)
      .then(() => {
        if (tenure.isStale) this.#windDown(tenure)
        else this.#offsetsMoved(tenure)
      })
  }

  #ring(): void {
    const nowMs = this.#options.clock.now()
    for (let held = this.#held.take(nowMs); held !== undefined; held = this.#held.take(nowMs)) {
      held.tenure.machine.release(held.entry)
      this.#queue(held.tenure)
    }
    for (const tenure of this.#tenures.values()) this.#offsetsMoved(tenure)
    if (this.#held.nextMs < Infinity) this.#alarm.set(this.#held.nextMs)
    if (this.#waitsUntilMs > nowMs) this.#alarm.set(this.#waitsUntilMs)
    this.#pump()
  }

  #isFull({ machine }: PartitionTenure<Target>): boolean {
    const { partitionRecordsMax, recordsMax, bytesMax } = this.#bounds
    return machine.count >= partitionRecordsMax || this.#recordCount >= recordsMax || this.#bytes >= bytesMax
  }

  /** Lets those be read again whose records have become few: half of what they may have, so that they are not asked one by one. */
  #giveRoom(): void {
    if (this.#crowded.size === 0) return
    const { partitionRecordsMax, recordsMax, bytesMax } = this.#bounds
    const isRoomy = this.#recordCount <= recordsMax / 2 && this.#bytes <= bytesMax / 2
    for (const tenure of this.#crowded) {
      const { count } = tenure.machine
      if (count > 0 && (!isRoomy || count > partitionRecordsMax / 2)) continue
      this.#crowded.delete(tenure)
      tenure.giveRoom()
    }
  }
}
