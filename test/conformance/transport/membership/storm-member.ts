import type { BatchResult, ReceivedBatch, Subscriber } from '../../../../src/transport/subscriber.ts'
import type { KafkaTransport } from '../../../../src/transport/transport.ts'
import { nextOffset, quickMember } from '../transport-harness.ts'

/** What all members of a storm did, in the order of one clock: they are in one process. */
export class StormRecord {
  /** Values of records that were handled by somebody. */
  readonly handled = new Set<string>()
  readonly wrongs: string[] = []
  /** How often records were handled that had been handled before. */
  again = 0
  committed = 0
  stale = 0
  tenures = 0
  /** By partition: whose it is, as far as batches tell, and how far somebody asked to commit. */
  readonly #owners = new Map<number, AbortSignal>()
  readonly #asked = new Map<number, bigint>()
  readonly #waiting = new Set<() => void>()

  /** A batch was handed over. @returns whether it is the first of a tenure */
  took({ partition, signal, records }: ReceivedBatch): boolean {
    const first = records[0]!.offset
    if (this.#owners.get(partition) === signal) return false
    this.tenures += 1
    this.#owners.set(partition, signal)
    // the answer to a commit may come after the first batch of whoever goes on behind it
    const asked = this.#asked.get(partition) ?? 0n
    if (first > asked)
      this.wrongs.push(`${partition}: reading begins at ${first}, nobody committed more than ${asked}`)
    return true
  }

  did(batch: ReceivedBatch): void {
    for (const { value } of batch.records) {
      if (this.handled.has(String(value))) this.again += 1
      this.handled.add(String(value))
    }
    for (const wake of this.#waiting) wake()
  }

  /** Commits, and watches over the answer. */
  async commit(batch: ReceivedBatch): Promise<void> {
    const { partition, signal } = batch
    const owner = this.#owners.get(partition)
    const asked = this.#asked.get(partition) ?? 0n
    if (nextOffset(batch) > asked) this.#asked.set(partition, nextOffset(batch))
    const outcome = await batch.commit(nextOffset(batch))
    if (outcome === 'stale') this.stale += 1
    if (outcome !== 'committed') return
    this.committed += 1
    // before it was called another tenure had had a batch of the partition: only that one’s generation can have been named
    if (owner !== signal)
      this.wrongs.push(`${partition}: ${nextOffset(batch)} was committed for a tenure that was over`)
  }

  /** @throws when it has not become so within 30 s */
  async until(condition: () => boolean, what: string): Promise<void> {
    const untilMs = performance.now() + 30_000
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      const timer = setTimeout(resolve, 1_000)
      await promise
      clearTimeout(timer)
      this.#waiting.delete(resolve)
      if (performance.now() > untilMs) throw new Error(`waited for ${what}; handled are ${this.handled.size}`)
    }
  }
}

/** Longer than members wait before they join anew, so that the next tenure has begun as a rule. */
const stragglerMs = 2_500

/** A member that handles batches beside the driver, one of a partition after the other, some of them slower than a rebalance waits. */
export class StormMember {
  readonly #subscriber: Subscriber
  readonly #record: StormRecord
  readonly #random: () => number
  readonly #lanes = new Map<number, Promise<void>>()

  constructor(of: {
    readonly transport: KafkaTransport
    readonly group: string
    readonly topic: string
    readonly record: StormRecord
    readonly random: () => number
  }) {
    this.#subscriber = of.transport.subscriber({
      group: of.group,
      topics: [of.topic],
      maxWaitMs: quickMember.maxWaitMs,
    })
    this.#record = of.record
    this.#random = of.random
  }

  run(): Promise<void> {
    return this.#subscriber.run({
      onBatch: async (batch) => this.#take(batch),
      settle: async () => void (await Promise.all(this.#lanes.values())),
    })
  }

  stop(graceMs: number): Promise<void> {
    return this.#subscriber.stop({ graceMs })
  }

  #take(batch: ReceivedBatch): BatchResult {
    if (this.#record.took(batch)) {
      // a straggler on purpose
      batch.signal.addEventListener('abort', () =>
        setTimeout(() => void this.#record.commit(batch), stragglerMs),
      )
    }
    const before = this.#lanes.get(batch.partition) ?? Promise.resolve()
    const work = before.then(() => this.#handle(batch))
    this.#lanes.set(batch.partition, work)
    return this.#random() < 0.5 ? { kind: 'done', pauseUntil: work } : { kind: 'done' }
  }

  async #handle(batch: ReceivedBatch): Promise<void> {
    if (batch.signal.aborted) return
    const ms = this.#random() < 0.1 ? 2_000 : this.#random() * 100
    await new Promise((resolve) => setTimeout(resolve, ms))
    this.#record.did(batch)
    await this.#record.commit(batch)
  }
}
