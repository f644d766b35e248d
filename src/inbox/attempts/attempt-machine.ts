import type { OffsetRange, StartedAttempts } from './attempt-log.ts'

/** Records in hand together: those of one transaction. */
export type AttemptUnit = { readonly first: bigint; readonly last: bigint; readonly count: number }

type Said = { readonly range: OffsetRange | undefined; readonly others: ReadonlySet<bigint> }

/** What the machine goes by. */
export type AttemptMachineOptions = {
  /** A message is given up once its process has died so often with it: the first time in company, the others with it alone. */
  readonly killsMax: number
}

/**
 * A row is written ahead, so that a partition does not write for each of its units: few records where little is to do, for after a crash they
 * are suspects, and more where one write follows another at once. Rows that change all the time are dear while some old transaction keeps
 * their old versions.
 */
const aheadMin = 64n
const aheadMax = 512n
/** And as many units as this. */
const aheadUnits = 4n
/** Writes that follow each other sooner than this are for more records. */
const soonMs = 250

/** Records that are named one by one in a row. */
const namedMax = 100

/**
 * Decides, for one tenure of a partition, which records may have ended the process that had it before, and what the row in the
 * {@link AttemptLog} has to say now.
 *
 * - **Suspects** are the records that an earlier owner had begun and not ended. Each is run alone, until it is done: a suspect that only
 *   failed stays one.
 * - Only a death with the record alone in hand is counted: a crash blames no chunk. The first death of a killer happens in company, so it is
 *   given up after `killsMax - 1` deaths of its own.
 * - A record with such a death lets the others of its partition go first. A killer does not keep them from being done, and a process that
 *   is killed from outside, always at the same time after its start, does not meet the same innocent again.
 * - A row covers more than is in hand, some records to come as well. What is below it, being tried again, is named.
 */
export class AttemptMachine {
  readonly #deathsMax: number
  /** Of the suspects, those that were not fetched yet. */
  #unfetched: OffsetRange | undefined
  readonly #unfetchedOthers: Set<bigint>
  /** In the order of their offsets. */
  readonly #suspects = new Set<bigint>()
  #suspectsLast: bigint | undefined
  readonly #deaths = new Map<bigint, number>()
  readonly #delayed = new Set<bigint>()
  readonly #inHand = new Set<AttemptUnit>()
  #window: OffsetRange | undefined
  #alone: bigint | undefined
  #hasFetched = false
  #ahead = aheadMin
  #writtenAtMs = -Infinity
  #isGivenBack = false
  /** What the row says for certain, unless {@link #writing} is there already. */
  #covered: Said = { range: undefined, others: new Set() }
  /** What is on its way to the row. */
  #writing: Said | undefined

  /** @param left what the row said when the partition was taken */
  constructor(left: StartedAttempts, { killsMax }: AttemptMachineOptions) {
    this.#deathsMax = Math.max(1, killsMax - 1)
    this.#unfetched = left.range
    for (const offset of left.deaths) this.#deaths.set(offset, (this.#deaths.get(offset) ?? 0) + 1)
    this.#unfetchedOthers = new Set([...left.others, ...left.deaths])
  }

  /** Suspects that were fetched and are not done. */
  get suspectsCount(): number {
    return this.#suspects.size
  }

  /** Whether records that are fetched from now on may be suspects. */
  get hasUnfetchedSuspects(): boolean {
    return this.#unfetched !== undefined || this.#unfetchedOthers.size > 0
  }

  /** Whether nothing is in hand. */
  get isIdle(): boolean {
    return this.#inHand.size === 0 && this.#alone === undefined
  }

  /**
   * Records were fetched, the first of them at `first`; called before {@link isSuspect} is asked about them.
   * @param highWatermark the end of the partition: what came after the crash is no suspect
   */
  fetched(first: bigint, highWatermark: bigint): void {
    if (!this.#hasFetched) this.#begin(first, highWatermark)
    this.#hasFetched = true
  }

  /** Whether a fetched record has to run alone; it then counts as a suspect until it is done. */
  isSuspect(offset: bigint): boolean {
    const range = this.#unfetched
    const isOne =
      this.#unfetchedOthers.delete(offset) ||
      (range !== undefined && offset >= range.first && offset <= range.last)
    if (range !== undefined && offset >= range.first)
      this.#unfetched = offset >= range.last ? undefined : { first: offset + 1n, last: range.last }
    if (isOne) {
      this.#suspects.add(offset)
      this.#suspectsLast = offset
    }
    return isOne
  }

  /**
   * A unit is about to begin.
   * @returns `wait`: not before the row is written; `write`: the row is to be written, beside it; `covered`: the row says all
   */
  begin(unit: AttemptUnit): 'covered' | 'write' | 'wait' {
    this.#inHand.add(unit)
    const says = this.#beginAfter(unit, this.#covered)
    if (says === 'wait' || this.#writing === undefined || isWithin(unit, this.#writing)) return says
    // what is on its way would take it out of the row
    if (unit.count > 1) this.#moveWindow(unit)
    return 'wait'
  }

  #beginAfter(unit: AttemptUnit, { range, others }: Said): 'covered' | 'write' | 'wait' {
    const fromBelow = range !== undefined && unit.count === 1 && unit.last < range.first
    if (fromBelow) return others.has(unit.first) ? 'covered' : 'wait'
    if (range === undefined || unit.first < range.first || unit.last > range.last) {
      this.#moveWindow(unit)
      return 'wait'
    }
    if (this.#window === undefined || range.last - unit.last >= this.#aheadOf(unit) / 2n) return 'covered'
    if (this.#window.last > range.last) return 'write'
    this.#moveWindow(unit)
    return this.#window.last > range.last ? 'write' : 'covered'
  }

  /** A unit has ended, however it did. */
  end(unit: AttemptUnit): void {
    this.#inHand.delete(unit)
  }

  /**
   * A suspect is about to run.
   * @returns `wait`: once the row says so; `later`: let others go before; `given up`: it is to be buried, once the row says so, for reading it
   *   may kill as well; `given up unread`: it did
   */
  beginAlone(offset: bigint): 'wait' | 'later' | 'given up' | 'given up unread' {
    const deaths = this.deathsOf(offset)
    if (deaths > 0 && deaths < this.#deathsMax && !this.#delayed.has(offset)) {
      this.#delayed.add(offset)
      return 'later'
    }
    this.#alone = offset
    if (deaths < this.#deathsMax) return 'wait'
    return deaths === this.#deathsMax ? 'given up' : 'given up unread'
  }

  /** A suspect has ended. @param isDone it will not be tried again: it took effect, or is among the dead letters */
  endAlone(offset: bigint, isDone: boolean): void {
    this.#alone = undefined
    if (!isDone) return
    this.#suspects.delete(offset)
    this.#deaths.delete(offset)
    this.#delayed.delete(offset)
  }

  /** How often the process died while this record alone was in hand. */
  deathsOf(offset: bigint): number {
    return this.#deaths.get(offset) ?? 0
  }

  /** The partition goes to another owner: what is in hand may still end, and nothing more is begun. */
  giveBack(): void {
    this.#isGivenBack = true
  }

  /** What the row has to say; from now on it is on its way to the row, until {@link written} or {@link notWritten}. */
  write(): StartedAttempts {
    const started = this.started()
    this.#writing = said(started)
    return started
  }

  /** What the row has to say. */
  started(): StartedAttempts {
    const window = this.#isGivenBack && this.#inHand.size === 0 ? undefined : this.#window
    const suspects =
      window === undefined || this.#suspects.size > namedMax ? this.#suspectsRange() : undefined
    const range = hull(hull(window, this.#unfetched), suspects)
    const outside = (offset: bigint): boolean =>
      range === undefined || offset < range.first || offset > range.last
    const named = new Set<bigint>()
    for (const { first, count } of this.#inHand) if (count === 1 && outside(first)) named.add(first)
    for (const list of [this.#deaths.keys(), this.#suspects, this.#unfetchedOthers])
      for (const offset of list) if (named.size < namedMax && outside(offset)) named.add(offset)
    return {
      range,
      others: [...named],
      alone: this.#alone,
      deaths: [...this.#deaths].flatMap(([offset, count]) => Array.from({ length: count }, () => offset)),
      isGivenBack: this.#isGivenBack,
    }
  }

  /** The row says this now. */
  written(started: StartedAttempts, nowMs: number): void {
    this.#covered = said(started)
    this.#writing = undefined
    const isSoon = nowMs - this.#writtenAtMs < soonMs
    this.#writtenAtMs = nowMs
    this.#ahead = isSoon ? this.#ahead * 2n : this.#ahead / 2n
    if (this.#ahead > aheadMax) this.#ahead = aheadMax
    if (this.#ahead < aheadMin) this.#ahead = aheadMin
  }

  /** Nobody knows what the row says. */
  notWritten(): void {
    this.#covered = { range: undefined, others: new Set() }
    this.#writing = undefined
  }

  /** What lies before the first record is done; what lies behind the end was not there when the process died. */
  #begin(first: bigint, highWatermark: bigint): void {
    const range = this.#unfetched
    if (range !== undefined) {
      const from = range.first < first ? first : range.first
      const to = range.last < highWatermark ? range.last : highWatermark - 1n
      this.#unfetched = from > to ? undefined : { first: from, last: to }
    }
    const isGone = (offset: bigint): boolean => offset < first || offset >= highWatermark
    for (const offset of this.#unfetchedOthers) if (isGone(offset)) this.#unfetchedOthers.delete(offset)
    for (const offset of this.#deaths.keys()) if (isGone(offset)) this.#deaths.delete(offset)
  }

  #suspectsRange(): OffsetRange | undefined {
    const [first] = this.#suspects
    if (first === undefined || this.#suspectsLast === undefined) return undefined
    return { first, last: this.#suspectsLast }
  }

  #moveWindow(unit: AttemptUnit): void {
    const last = unit.last + this.#aheadOf(unit)
    const before = this.#window?.last ?? last
    this.#window = { first: this.#lowest(unit.first), last: last > before ? last : before }
  }

  #aheadOf({ count }: AttemptUnit): bigint {
    const units = BigInt(count) * aheadUnits
    return units > this.#ahead ? units : this.#ahead
  }

  #lowest(offset: bigint): bigint {
    let lowest = offset
    const window = this.#window
    for (const { first, count } of this.#inHand) {
      const isNamed = count === 1 && window !== undefined && first < window.first
      if (first < lowest && !isNamed) lowest = first
    }
    return lowest
  }
}

function said({ range, others }: StartedAttempts): Said {
  return { range, others: new Set(others) }
}

function isWithin({ first, last, count }: AttemptUnit, { range, others }: Said): boolean {
  if (count === 1 && others.has(first)) return true
  return range !== undefined && first >= range.first && last <= range.last
}

function hull(one: OffsetRange | undefined, other: OffsetRange | undefined): OffsetRange | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    first: one.first < other.first ? one.first : other.first,
    last: one.last > other.last ? one.last : other.last,
  }
}
