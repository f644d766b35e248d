import type { OutgoingRecord, PublishFailure, PublishResult } from '../../../transport/publisher.ts'

/** Records of one `publish` that go to one partition, in order: those at `indexes[from]` to `indexes[to - 1]`. */
export type Span = {
  readonly job: PublishJob
  readonly indexes: readonly number[]
  readonly from: number
  readonly to: number
  /** The number of its first record in the partition, once it was sent; it is sent again under the same. */
  readonly sequence?: number
  /** Whether the broker may have it. */
  readonly maybeWritten: boolean
}

/** One `publish` under way. */
export class PublishJob {
  readonly records: readonly OutgoingRecord[]
  /** By `performance.now()`. */
  readonly deadlineAt: number
  readonly #done = Promise.withResolvers<PublishResult>()
  readonly #failures = new Map<number, PublishFailure>()
  #left: number

  constructor(records: readonly OutgoingRecord[], deadlineAt: number) {
    this.records = records
    this.deadlineAt = deadlineAt
    this.#left = records.length
    if (this.#left === 0) this.#finish()
  }

  /** Resolves once each record is acknowledged or failed. */
  get done(): Promise<PublishResult> {
    return this.#done.promise
  }

  get isDone(): boolean {
    return this.#left === 0
  }

  acknowledge({ from, to }: Span): void {
    this.#settle(to - from)
  }

  fail({ indexes, from, to }: Span, failure: PublishFailure): void {
    for (let place = from; place < to; place++) this.#failures.set(indexes[place] ?? -1, failure)
    this.#settle(to - from)
  }

  /** Fails some records of a span for what they are, and the others because of them. */
  failEach({ indexes, from, to }: Span, failureOf: (place: number) => PublishFailure): void {
    for (let place = from; place < to; place++)
      this.#failures.set(indexes[place] ?? -1, failureOf(place - from))
    this.#settle(to - from)
  }

  #settle(count: number): void {
    this.#left -= count
    if (this.#left === 0) this.#finish()
  }

  #finish(): void {
    const failures = this.#failures
    if (failures.size === 0) return this.#done.resolve({ kind: 'acknowledged' })
    const [first] = failures.values()
    const isOne = failures.size === this.records.length && [...failures.values()].every((it) => it === first)
    if (first !== undefined && isOne) this.#done.resolve({ kind: 'failed', failure: first })
    else this.#done.resolve({ kind: 'partial', failures })
  }
}
