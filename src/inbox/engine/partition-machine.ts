import type { ReceivedRecord } from '../../transport/subscriber.ts'
import type { RecordReading } from '../record-reader.ts'
import { type Entry, type Lane, LaneList } from './lane.ts'

/** What the machine asks about records. Both must be pure. */
export type PartitionMachineOptions<Target> = {
  /** Called once for each record, when it is the first of its key. */
  readonly read: (record: ReceivedRecord) => RecordReading<Target>
  /** Records of one target that a unit takes at most. */
  readonly batchSizeMax: (target: Target) => number
  /** Bytes of the records of a unit, of which it has one at least. */
  readonly unitBytesMax: number
}

/** What a record weighs beside its key and value: its headers and what is kept about it. */
const recordBytes = 400

/**
 * The records of one partition that are in hand, and what of them may be worked on now.
 *
 * - They come in the order in which they were fetched ({@link add}) and leave in **units** ({@link take}): records that are applied together.
 *   The records of a key are in one unit at most at a time, in order.
 * - What was taken is either finished ({@link finish}), or comes back to the front of its keys ({@link putBack}, {@link hold}).
 * - What may be committed is the finished prefix **of what was fetched** ({@link nextOffset}); offsets that a topic has lost, or that its
 *   markers of transactions hold, are no gap.
 *
 * Each call costs what it moves: nothing is looked through again, however many keys wait or are held.
 */
export class PartitionMachine<Target> {
  readonly #options: PartitionMachineOptions<Target>
  readonly #lanes = new Map<string, Lane<Target>>()
  /** Lanes whose first record has not been read yet. */
  readonly #unread = new LaneList<Target>()
  /** Lanes whose first record is a unit of its own. */
  readonly #singles = new LaneList<Target>()
  readonly #suspects = new LaneList<Target>()
  /** Lanes whose first record is to run with nothing beside it. */
  readonly #solos = new LaneList<Target>()
  /** Lanes whose first record shares a unit with others of its target. */
  readonly #batches = new Map<Target, LaneList<Target>>()
  #first: Entry<Target> | undefined
  #last: Entry<Target> | undefined
  #serial = 0
  #endOffset: bigint | undefined
  #count = 0
  #bytes = 0
  #inHandCount = 0
  #heldCount = 0
  #isStopped = false

  constructor(options: PartitionMachineOptions<Target>) {
    this.#options = options
  }

  /** Records that are not finished, in hand or not. */
  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Records that were taken and have not come back. */
  get inHandCount(): number {
    return this.#inHandCount
  }

  /** Keys that wait for the next try of their first record. */
  get heldCount(): number {
    return this.#heldCount
  }

  /** The first record that is not finished, in the order of the fetches. */
  get oldest(): ReceivedRecord | undefined {
    return this.#first?.record
  }

  /** Everything before this offset is finished; `undefined` while nothing was fetched. */
  get nextOffset(): bigint | undefined {
    return this.#first?.record.offset ?? this.#endOffset
  }

  /** Whether there may be something to take. */
  isReady(withSuspects: boolean): boolean {
    if (this.#isStopped) return false
    if (this.#unread.count > 0 || this.#singles.count > 0) return true
    if (withSuspects && this.#suspects.count > 0) return true
    for (const lanes of this.#batches.values()) if (lanes.count > 0) return true
    return false
  }

  /** Whether {@link takeSolo} gives something. */
  get hasSolo(): boolean {
    return !this.#isStopped && this.#solos.count > 0
  }

  /**
   * Takes in what was fetched.
   * @param solos the offsets of those that are to run with nothing beside them
   */
  add(records: readonly ReceivedRecord[], solos?: ReadonlySet<bigint>): void {
    for (const record of records) {
      const lane = this.#laneOf(record.key)
      const entry: Entry<Target> = {
        record,
        lane,
        serial: this.#serial++,
        bytes: (record.key?.length ?? 0) + (record.value?.length ?? 0) + recordBytes,
        reading: undefined,
        isAlone: false,
        isSuspect: false,
        isSolo: solos?.has(record.offset) ?? false,
        trouble: undefined,
        isFinished: false,
        before: this.#last,
        after: undefined,
        behind: undefined,
      }
      if (this.#last === undefined) this.#first = entry
      else this.#last.after = entry
      this.#last = entry
      this.#count += 1
      this.#bytes += entry.bytes
      if (lane.last === undefined) lane.first = entry
      else lane.last.behind = entry
      lane.last = entry
      if (lane.state === 'idle') this.#makeReady(lane)
    }
    const last = records.at(-1)
    if (last !== undefined) this.#endOffset = last.offset + 1n
  }

  /**
   * The next unit: at least one record, all of one target, in the order in which they were fetched. The oldest work comes first.
   * @param withSuspects whether it may be a suspect
   */
  take(withSuspects: boolean): Entry<Target>[] | undefined {
    while (!this.#isStopped) {
      const lanes = this.#oldestLanes(withSuspects)
      if (lanes === undefined) {
        if (this.#unread.count === 0) return undefined
        this.#readOne()
        continue
      }
      const first = lanes.first?.first
      if (first === undefined) return undefined
      const sizeMax = lanes === this.#singles || lanes === this.#suspects ? 1 : this.#sizeMaxOf(first)
      if (sizeMax > 1) this.#readAhead(lanes, sizeMax)
      return this.#collect(lanes, sizeMax)
    }
    return undefined
  }

  /** The oldest record that is to run with nothing beside it. It is not read: see {@link read}. */
  takeSolo(): Entry<Target> | undefined {
    const lane = this.#isStopped ? undefined : this.#solos.shift()
    const entry = lane?.first
    if (lane === undefined || entry === undefined) return undefined
    lane.state = 'in hand'
    this.#shift(lane)
    lane.inHandCount += 1
    this.#inHandCount += 1
    return entry
  }

  /** Reads a record that was taken unread. */
  read(entry: Entry<Target>): void {
    entry.reading ??= this.#options.read(entry.record)
  }

  /** What was taken is done. */
  finish(unit: readonly Entry<Target>[]): void {
    for (const entry of unit) {
      const { lane } = entry
      lane.inHandCount -= 1
      this.#inHandCount -= 1
      this.#remove(entry)
      if (lane.inHandCount === 0) this.#goOn(lane)
    }
  }

  /**
   * What was taken stands before the rest of its keys again, ready at once.
   * @param alone it shares no unit from now on
   */
  putBack(unit: readonly Entry<Target>[], alone: boolean): void {
    for (const entry of unit.toReversed()) {
      if (alone) entry.isAlone = true
      this.#return(entry)
    }
    for (const { lane } of unit) if (lane.inHandCount === 0 && lane.state === 'in hand') this.#goOn(lane)
  }

  /** A unit of one comes back, and its key waits until {@link release}. */
  hold(entry: Entry<Target>): void {
    this.#return(entry)
    entry.isAlone = true
    entry.lane.state = 'held'
    this.#heldCount += 1
  }

  /** The key of a record that is held goes on with it. */
  release(entry: Entry<Target>): void {
    if (entry.lane.state !== 'held') return
    this.#heldCount -= 1
    this.#goOn(entry.lane)
  }

  /** Nothing more is handed out; what was taken can still be finished. */
  stop(): void {
    this.#isStopped = true
  }

  #laneOf(key: Buffer | null): Lane<Target> {
    // one byte is one character: as short as it gets, and no two keys become one
    const name = key === null ? null : key.toString('latin1')
    const known = name === null ? undefined : this.#lanes.get(name)
    if (known !== undefined) return known
    const lane: Lane<Target> = {
      key: name,
      first: undefined,
      last: undefined,
      state: 'idle',
      inHandCount: 0,
      next: undefined,
    }
    if (name !== null) this.#lanes.set(name, lane)
    return lane
  }

  /** The list whose first record is the oldest. */
  #oldestLanes(withSuspects: boolean): LaneList<Target> | undefined {
    let oldest: LaneList<Target> | undefined
    let serial = Infinity
    const look = (lanes: LaneList<Target>): void => {
      const own = lanes.first?.first?.serial
      if (own === undefined || own >= serial) return
      oldest = lanes
      serial = own
    }
    look(this.#singles)
    if (withSuspects) look(this.#suspects)
    for (const lanes of this.#batches.values()) look(lanes)
    return oldest
  }

  /** Fills a list for a unit. The lanes of others that come up meanwhile wait read; their number is bounded. */
  #readAhead(lanes: LaneList<Target>, sizeMax: number): void {
    for (let looks = 2 * sizeMax; lanes.count < sizeMax && looks > 0 && this.#unread.count > 0; looks--)
      this.#readOne()
  }

  /** Reads the first record of a lane that has not been read, and puts the lane where it belongs. */
  #readOne(): void {
    const lane = this.#unread.shift()
    if (lane !== undefined) this.#place(lane)
  }

  #place(lane: Lane<Target>): void {
    const entry = this.#readFirst(lane)
    if (entry === undefined) return this.#close(lane)
    lane.state = 'ready'
    if (entry.isSolo) return this.#solos.push(lane)
    if (entry.isSuspect) return this.#suspects.push(lane)
    if (entry.isAlone || this.#sizeMaxOf(entry) === 1) return this.#singles.push(lane)
    const target = targetOf(entry) as Target
    let lanes = this.#batches.get(target)
    if (lanes === undefined) this.#batches.set(target, (lanes = new LaneList()))
    lanes.push(lane)
  }

  /** The first record of the lane that is of any concern. */
  #readFirst(lane: Lane<Target>): Entry<Target> | undefined {
    for (let entry = lane.first; entry !== undefined; entry = lane.first) {
      if (entry.isSolo) return entry
      entry.reading ??= this.#options.read(entry.record)
      if (entry.reading.kind !== 'skipped') return entry
      this.#shift(lane)
      this.#remove(entry)
    }
    return undefined
  }

  #sizeMaxOf(entry: Entry<Target>): number {
    const { reading } = entry
    return reading?.kind === 'message' ? Math.max(1, this.#options.batchSizeMax(reading.target)) : 1
  }

  #collect(lanes: LaneList<Target>, sizeMax: number): Entry<Target>[] {
    const unit: Entry<Target>[] = []
    const target = lanes.first?.first && targetOf(lanes.first.first)
    let bytes = 0
    let isSorted = true
    while (unit.length < sizeMax && lanes.count > 0 && (bytes < this.#options.unitBytesMax || bytes === 0)) {
      const lane = lanes.shift()
      if (lane === undefined) break
      lane.state = 'in hand'
      while (unit.length < sizeMax) {
        const entry = this.#readFirst(lane)
        if (entry === undefined) break
        const isOther =
          sizeMax > 1 && (entry.isAlone || entry.isSuspect || entry.isSolo || targetOf(entry) !== target)
        if (isOther || (bytes > 0 && bytes + entry.bytes > this.#options.unitBytesMax)) break
        this.#shift(lane)
        lane.inHandCount += 1
        this.#inHandCount += 1
        bytes += entry.bytes
        isSorted &&= (unit.at(-1)?.serial ?? -1) < entry.serial
        unit.push(entry)
      }
      if (lane.inHandCount === 0) {
        this.#place(lane)
        break // too large for what was left of the unit
      }
    }
    return isSorted ? unit : unit.sort((one, other) => one.serial - other.serial)
  }

  #shift(lane: Lane<Target>): void {
    const entry = lane.first
    if (entry === undefined) return
    lane.first = entry.behind
    if (lane.first === undefined) lane.last = undefined
    entry.behind = undefined
  }

  #return(entry: Entry<Target>): void {
    const { lane } = entry
    entry.behind = lane.first
    lane.first = entry
    lane.last ??= entry
    lane.inHandCount -= 1
    this.#inHandCount -= 1
  }

  #remove(entry: Entry<Target>): void {
    entry.isFinished = true
    if (entry.before === undefined) this.#first = entry.after
    else entry.before.after = entry.after
    if (entry.after === undefined) this.#last = entry.before
    else entry.after.before = entry.before
    this.#count -= 1
    this.#bytes -= entry.bytes
  }

  #goOn(lane: Lane<Target>): void {
    if (lane.first === undefined) this.#close(lane)
    else this.#makeReady(lane)
  }

  #makeReady(lane: Lane<Target>): void {
    if (lane.first?.reading !== undefined || lane.first?.isSolo === true) return this.#place(lane)
    lane.state = 'ready'
    this.#unread.push(lane)
  }

  #close(lane: Lane<Target>): void {
    lane.state = 'idle'
    if (lane.key !== null) this.#lanes.delete(lane.key)
  }
}

function targetOf<Target>({ reading }: Entry<Target>): Target | undefined {
  return reading?.kind === 'message' ? reading.target : undefined
}
