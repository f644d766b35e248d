import type { BackstitchError } from '../../../src/kernel/errors.ts'
import type { OutgoingRecord, Publisher, PublishResult } from '../../../src/transport/publisher.ts'
import type { KafkaTransport } from '../../../src/transport/transport.ts'

/** What a publish answers; a promise is waited for. Default: acknowledged. */
export type Answer = PublishResult | Promise<PublishResult>

/** A transport for the relay’s unit tests: it keeps what was acknowledged, and answers as the test says. */
export class ScriptedTransport implements KafkaTransport {
  readonly name = 'scripted'
  readonly capabilities = {
    idempotent: true,
    perRecordOutcome: false,
    batchSizeMax: 100,
    publishesUnderWayMax: 1,
    fencing: false,
    staticMembership: false,
  }
  /** Partitions by topic. */
  readonly topics = new Map<string, number>([['outbox.event.order', 4]])
  /** All batches that were handed over, acknowledged or not. */
  readonly batches: (readonly OutgoingRecord[])[] = []
  readonly deadlinesMs: number[] = []
  /** Publishers in the order in which they were made. */
  readonly publishers: { state: Publisher['state'] }[] = []
  /** Decides about each batch. */
  answer: (records: readonly OutgoingRecord[], number: number) => Answer = () => ({ kind: 'acknowledged' })
  /** Partitions are told once this has resolved. */
  counting: Promise<void> = Promise.resolve()
  /** While set, no broker answers. */
  unreachable: BackstitchError | undefined
  readonly #acknowledged: OutgoingRecord[] = []

  /** Bodies of the acknowledged records, in order. */
  get bodies(): string[] {
    return this.#acknowledged.map(({ value }) => String(value))
  }

  publisher(): Publisher {
    const transport = this
    const mine: { state: Publisher['state'] } = { state: 'new' }
    this.publishers.push(mine)
    return {
      get state() {
        return mine.state
      },
      async open() {
        mine.state = transport.unreachable ? 'poisoned' : 'ready'
        if (transport.unreachable) throw transport.unreachable
      },
      async partitionCount(topic) {
        if (transport.unreachable) throw transport.unreachable
        await transport.counting
        return transport.topics.get(topic)
      },
      async publish(records, { deadlineMs }) {
        if (mine.state !== 'ready') throw new Error('a publisher that is not ready was used')
        transport.batches.push(records)
        transport.deadlinesMs.push(deadlineMs)
        const result = await transport.answer(records, transport.batches.length)
        if (result.kind === 'acknowledged') transport.#acknowledged.push(...records)
        if (result.kind === 'partial')
          transport.#acknowledged.push(...records.filter((_, index) => !result.failures.has(index)))
        if (result.kind === 'failed' && result.failure.kind !== 'topic') mine.state = 'poisoned'
        return result
      },
      async close() {
        mine.state = 'closed'
      },
    }
  }

  subscriber(): never {
    throw new Error('a relay does not subscribe')
  }

  admin(): never {
    throw new Error('a relay has no use for the admin')
  }
}
