import { BackstitchError } from '../kernel/errors.ts'
import type { InMemoryLog } from './in-memory-log.ts'
import type { OutgoingRecord, PublishFailure, Publisher, PublishResult } from './publisher.ts'

/** What the publishers of one in-memory transport share. */
export type InMemoryPublishing = {
  readonly log: InMemoryLog
  readonly autoCreateTopics: boolean
  readonly nowMs: () => number
  /** The failure ordered for the next batch, if any; it is used up. */
  takeFault(): InMemoryFault | undefined
}

/** A failure to order with `failNextPublish`. */
export type InMemoryFault = {
  readonly failure: PublishFailure
  /** Whether the records are written all the same: an acknowledgement that got lost. Default false. */
  readonly isWritten?: boolean
}

/**
 * Behaves as a driver without outcomes per record does: a batch with a record that the topic refuses fails as a whole and nothing of it
 * is written; any failure poisons, but for topics that do not exist, whose records alone are left out.
 */
export class InMemoryPublisher implements Publisher {
  readonly #shared: InMemoryPublishing
  #state: Publisher['state'] = 'new'
  #isBusy = false

  constructor(shared: InMemoryPublishing) {
    this.#shared = shared
  }

  get state(): Publisher['state'] {
    return this.#state
  }

  async open(): Promise<void> {
    if (this.#state === 'new') this.#state = 'ready'
    if (this.#state !== 'ready')
      throw new BackstitchError('KAFKA_UNREACHABLE', `opening a publisher: it is ${this.#state}`)
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    if (this.#shared.autoCreateTopics) this.#shared.log.create({ topic, partitions: 1 })
    return this.#shared.log.partitionCount(topic)
  }

  async publish(records: readonly OutgoingRecord[]): Promise<PublishResult> {
    if (this.#state !== 'ready') return failed('unknown', `this publisher is ${this.#state}`)
    if (this.#isBusy) return failed('retriable', 'another batch is under way')
    this.#isBusy = true
    try {
      await Promise.resolve() // as a driver: never answered before the caller goes on
      return this.#publish(records)
    } finally {
      this.#isBusy = false
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed'
  }

  #publish(records: readonly OutgoingRecord[]): PublishResult {
    const { log, autoCreateTopics } = this.#shared
    if (autoCreateTopics) for (const { topic } of records) log.create({ topic, partitions: 1 })
    const failures = new Map<number, PublishFailure>()
    for (const [index, { topic }] of records.entries()) {
      if (log.partitionCount(topic) === undefined) {
        failures.set(index, { kind: 'topic', reason: `the topic ${topic} does not exist` })
      }
    }
    const present = records.filter((_, index) => !failures.has(index))
    const failure = present.length > 0 ? this.#write(present) : failures.get(0)
    if (failures.size === 0 || present.length === 0) {
      return failure === undefined ? { kind: 'acknowledged' } : { kind: 'failed', failure }
    }
    if (failure !== undefined)
      for (const index of records.keys()) if (!failures.has(index)) failures.set(index, failure)
    return { kind: 'partial', failures }
  }

  #write(records: readonly OutgoingRecord[]): PublishFailure | undefined {
    const { log, nowMs } = this.#shared
    const fault = this.#shared.takeFault()
    const tooLarge = records.find((record) => !log.takes(record))
    const astray = records.find(({ topic, partition }) => partition >= (log.partitionCount(topic) ?? 0))
    const failure: PublishFailure | undefined =
      fault?.failure ??
      (astray && { kind: 'topic', reason: `${astray.topic} has no partition ${astray.partition}` }) ??
      (tooLarge && { kind: 'record', reason: `a record is larger than ${tooLarge.topic} takes` })
    if (failure !== undefined) this.#state = 'poisoned'
    if (failure === undefined || fault?.isWritten === true) log.append(records, nowMs())
    return failure
  }
}

function failed(kind: PublishFailure['kind'], reason: string): PublishResult {
  return { kind: 'failed', failure: { kind, reason } }
}
