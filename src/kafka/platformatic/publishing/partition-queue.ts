import { type BackoffPolicy, backoffMs } from '../../../kernel/backoff.ts'
import { reasonOf } from '../../../kernel/errors.ts'
import type { PublishFailure } from '../../../transport/publisher.ts'
import { type Outcome, refused } from './produce-outcome.ts'
import type { PublishJob, Span } from './publish-job.ts'

/** The broker remembers the last five batches of a producer in a partition; of a sixth it would not know whether it has it. */
const batchesInFlightMax = 5

/** Brokers forget a producer that is idle for a day (`producer.id.expiration.ms`); some are set to less. */
const knownForMs = 3_600_000

/** Sequence numbers begin anew after 2^31 - 1. */
const sequenceMask = 0x7fff_ffff

const retryPolicy: BackoffPolicy = { initialMs: 20, maxMs: 500, factor: 2 }

/** What a queue asks of its publisher. */
export type QueueOwner = {
  /** The numbering is lost: nothing more may be sent under this producer’s name. */
  poison(failure: PublishFailure): void
  /** Another broker leads the partition, or none does. */
  onStale(topic: string): void
  /** Batches of this size are too large for the topic. */
  onTooLarge(topic: string, bytes: number): void
}

/** A batch that left. */
export type Sent = {
  readonly span: Span
  readonly sequence: number
  readonly bytes: number
  outcome: Outcome | undefined
}

/** How much of a span was written. */
export type Written = { readonly end: number; readonly bytes: number }

/**
 * What is to be published to one partition, in order, and the numbers by which the broker checks it.
 *
 * Several batches may be under way, since the broker refuses the second where it has not got the first. That holds only once it knows this
 * producer: of a producer that is new to a partition, or forgotten, it takes any number, so the very first batch travels alone, and so does
 * the first after a failure or a long rest. After a failure nothing is sent until all that is under way was answered; then those that are
 * not written go again, in order, under the numbers they had, so that the broker recognises what it has.
 */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  readonly #owner: QueueOwner
  #waiting: Span[] = []
  #sent: Sent[] = []
  #nextSequence = 0
  #isKnownToBroker = false
  /** By `performance.now()`. */
  #acknowledgedAt = 0
  #isDraining = false
  #failures = 0
  /** Why the last batch is to be sent again. */
  #trouble: unknown
  /** Nothing is sent before; by `performance.now()`. */
  notBefore = 0

  constructor(topic: string, partition: number, owner: QueueOwner) {
    this.topic = topic
    this.partition = partition
    this.#owner = owner
  }

  /** Whether nothing waits and nothing is under way. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#sent.length === 0
  }

  /** Whether the next batch may leave, its time apart. */
  get maySend(): boolean {
    if (this.#waiting.length === 0 || this.#isDraining) return false
    return this.#sent.length < (this.#mayPipeline ? batchesInFlightMax : 1)
  }

  /** Whether the broker knows this producer for certain, and so refuses a batch whose predecessor it has not got. */
  get #mayPipeline(): boolean {
    return this.#isKnownToBroker && performance.now() - this.#acknowledgedAt < knownForMs
  }

  enqueue(span: Span): void {
    this.#waiting.push(span)
  }

  /**
   * Takes the next batch.
   * @param write writes a span under its number, as much of it as fits; a span that was sent before must be written whole
   */
  send(write: (span: Span, sequence: number) => Written): Sent | undefined {
    const [first] = this.#waiting
    if (first === undefined) return undefined
    const sequence = first.sequence ?? this.#nextSequence
    const { end, bytes } = write(first, sequence)
    if (end < first.to) this.#waiting[0] = { ...first, from: end }
    else this.#waiting.shift()
    if (first.sequence === undefined) this.#nextSequence = (sequence + end - first.from) & sequenceMask
    const sent: Sent = { span: { ...first, to: end, sequence }, sequence, bytes, outcome: undefined }
    this.#sent.push(sent)
    return sent
  }

  /** Notes what became of a batch. */
  answered(sent: Sent, outcome: Outcome): void {
    if (!this.#sent.includes(sent)) return
    sent.outcome = outcome
    if (outcome.kind !== 'written') this.#isDraining = true
    if (!this.#isDraining) this.#acknowledgeFirst()
    else if (this.#sent.every(({ outcome: known }) => known !== undefined)) this.#drained()
  }

  /**
   * Fails all that waits, for good: there is no such topic or partition, or not for us.
   * @param isGone whether the topic itself is gone, and with it whatever was written; else what was sent may be there
   */
  failWaiting(failure: PublishFailure, isGone: boolean): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#isKnownToBroker = false
    if (!waiting.some(({ maybeWritten }) => maybeWritten)) return this.#renumber(waiting, failure)
    const unsure: PublishFailure = isGone ? failure : { ...failure, kind: 'unknown' }
    for (const span of waiting) span.job.fail(span, span.maybeWritten ? unsure : failure)
    this.#owner.poison({ ...failure, kind: 'retriable' })
  }

  /**
   * A job’s time is over. What waits of it, and behind it, fails.
   * @returns whether some of it may be written
   */
  abandon(job: PublishJob, failure: PublishFailure): boolean {
    const first = this.#waiting.findIndex((span) => span.job === job)
    if (this.#sent.some(({ span }) => span.job === job)) return true
    if (first < 0) return false
    // their numbers would go to others, whom the broker would take for these
    if (this.#waiting.slice(first).some(({ maybeWritten }) => maybeWritten)) return true
    const dropped = this.#waiting.splice(first)
    const hasTrouble = this.#trouble !== undefined && dropped[0]?.sequence !== undefined
    const reason = hasTrouble ? `${failure.reason}: ${reasonOf(this.#trouble)}` : failure.reason
    this.#renumber(dropped, { ...failure, reason })
    return false
  }

  /** Fails everything. */
  fail(failure: PublishFailure, unsureFailure: PublishFailure): void {
    const [sent, waiting] = [this.#sent, this.#waiting]
    this.#sent = []
    this.#waiting = []
    for (const { span, outcome } of sent) {
      if (outcome?.kind === 'written') span.job.acknowledge(span)
      else span.job.fail(span, mayBeWritten(span, outcome) ? unsureFailure : failure)
    }
    for (const span of waiting) span.job.fail(span, span.maybeWritten ? unsureFailure : failure)
  }

  /** All that was under way is answered, and something failed. */
  #drained(): void {
    this.#isDraining = false
    this.#acknowledgeFirst()
    const [first] = this.#sent
    if (first?.outcome === undefined || first.outcome.kind === 'written') return
    const { outcome } = first
    if (outcome.kind === 'broken') return this.#poison(outcome.cause)
    if (outcome.kind === 'refused') return this.#refuse(first, outcome)
    if (outcome.kind === 'tooLarge' && first.span.to - first.span.from === 1)
      return this.#refuse(
        first,
        refused({ kind: 'record', reason: reasonOf(outcome.cause), cause: outcome.cause }),
      )
    if (outcome.kind === 'tooLarge') return this.#cutSmaller(first)
    this.#sendAgain(first, outcome.kind, outcome.cause)
  }

  #sendAgain(first: Sent, kind: 'unsure' | 'passing' | 'stale', cause: unknown): void {
    const later = this.#sent.slice(1)
    const hasGap = later.some(({ outcome }) => outcome?.kind === 'written')
    if (hasGap && !mayBeWritten(first.span, first.outcome)) return this.#poison(cause)
    const again = this.#sent.filter((sent) => sent.outcome?.kind !== 'written')
    for (const sent of later) if (sent.outcome?.kind === 'written') this.#acknowledge(sent)
    this.#sent = []
    this.#waiting.unshift(
      ...again.map(({ span, outcome }) => ({ ...span, maybeWritten: mayBeWritten(span, outcome) })),
    )
    // the partition may have another leader, or be another one: until it has acknowledged something, it may not know this producer
    this.#isKnownToBroker = false
    this.#trouble = cause
    this.#failures += 1
    this.notBefore = performance.now() + backoffMs(this.#failures, retryPolicy, Math.random())
    if (kind !== 'passing') this.#owner.onStale(this.topic)
  }

  #cutSmaller(first: Sent): void {
    if (!this.#isCertain(first)) return this.#poison(new Error('a batch of unknown fate is too large'))
    this.#owner.onTooLarge(this.topic, first.bytes)
    this.#waiting.unshift(...this.#sent.map(({ span }) => span))
    this.#sent = []
    this.#renumberWaiting(first.sequence)
  }

  #refuse(first: Sent, outcome: Outcome): void {
    if (outcome.kind !== 'refused') return
    if (!this.#isCertain(first)) return this.#poison(new Error('a batch of unknown fate was refused'))
    const behind = [...this.#sent.slice(1).map(({ span }) => span), ...this.#waiting]
    this.#sent = []
    this.#waiting = []
    this.#nextSequence = first.sequence
    first.span.job.failEach(first.span, outcome.failureOf)
    const failure: PublishFailure = {
      kind: 'retriable',
      reason: 'an earlier record of its partition was refused',
    }
    for (const span of behind) span.job.fail(span, failure)
  }

  /** Whether neither this batch nor any behind it can be written: only then may numbers be given anew. */
  #isCertain(first: Sent): boolean {
    const behind = this.#sent.filter((sent) => sent !== first)
    return (
      !first.span.maybeWritten &&
      behind.every(({ span, outcome }) => !mayBeWritten(span, outcome)) &&
      this.#waiting.every(({ maybeWritten }) => !maybeWritten)
    )
  }

  #renumber(dropped: readonly Span[], failure: PublishFailure): void {
    const sequence = dropped.find((span) => span.sequence !== undefined)?.sequence
    if (sequence !== undefined) this.#nextSequence = sequence
    for (const span of dropped) span.job.fail(span, failure)
  }

  #renumberWaiting(sequence: number): void {
    this.#nextSequence = sequence
    this.#waiting = this.#waiting.map(({ job, indexes, from, to, maybeWritten }) => ({
      job,
      indexes,
      from,
      to,
      maybeWritten,
    }))
  }

  #acknowledgeFirst(): void {
    let written = 0
    while (this.#sent[written]?.outcome?.kind === 'written') written += 1
    for (const sent of this.#sent.splice(0, written)) this.#acknowledge(sent)
  }

  #acknowledge(sent: Sent): void {
    this.#isKnownToBroker = true
    this.#acknowledgedAt = performance.now()
    this.#failures = 0
    this.#trouble = undefined
    sent.span.job.acknowledge(sent.span)
  }

  #poison(cause: unknown): void {
    this.#owner.poison({ kind: 'retriable', reason: reasonOf(cause), cause })
  }
}

const mayBeWrittenAfter: ReadonlySet<Outcome['kind']> = new Set(['written', 'unsure', 'stale'])

function mayBeWritten(span: Span, outcome: Outcome | undefined): boolean {
  return span.maybeWritten || outcome === undefined || mayBeWrittenAfter.has(outcome.kind)
}
