import type { ReceivedRecord } from '../../transport/subscriber.ts'
import type { RecordReading } from '../record-reader.ts'
import type { Trouble } from './trouble.ts'

/** One record of a partition, from the time that it was fetched until it is finished. */
export type Entry<Target> = {
  readonly record: ReceivedRecord
  readonly lane: Lane<Target>
  /** Its place in the order in which the records were fetched, from 0. */
  readonly serial: number
  readonly bytes: number
  /** Set when it is the first of its lane, and not before: what waits is kept as it came. */
  reading: RecordReading<Target> | undefined
  /** It shares no unit with others: one that it was part of has failed. */
  isAlone: boolean
  /** It may be what ended a server’s process: no other such one may run beside it. */
  isSuspect: boolean
  /** It may be what ended a process of ours: nothing may run beside it, and it is not read before its turn. */
  readonly isSolo: boolean
  trouble: Trouble | undefined
  isFinished: boolean
  /** Its neighbours among the unfinished ones, in the order of the fetches. */
  before: Entry<Target> | undefined
  after: Entry<Target> | undefined
  /** The next one of its lane. */
  behind: Entry<Target> | undefined
}

/** The unfinished records of one key, in order. A record without a key has a lane of its own. */
export type Lane<Target> = {
  readonly key: string | null
  first: Entry<Target> | undefined
  last: Entry<Target> | undefined
  /** `held`: its first record waits for its next try, and the others behind it. */
  state: 'idle' | 'ready' | 'in hand' | 'held'
  inHandCount: number
  /** The next lane of the list that it stands in. */
  next: Lane<Target> | undefined
}

/** Lanes one behind the other. A lane is in one list at most. */
export class LaneList<Target> {
  #first: Lane<Target> | undefined
  #last: Lane<Target> | undefined
  #count = 0

  get count(): number {
    return this.#count
  }

  get first(): Lane<Target> | undefined {
    return this.#first
  }

  push(lane: Lane<Target>): void {
    lane.next = undefined
    if (this.#last === undefined) this.#first = lane
    else this.#last.next = lane
    this.#last = lane
    this.#count += 1
  }

  shift(): Lane<Target> | undefined {
    const lane = this.#first
    if (lane === undefined) return undefined
    this.#first = lane.next
    if (this.#first === undefined) this.#last = undefined
    lane.next = undefined
    this.#count -= 1
    return lane
  }
}
