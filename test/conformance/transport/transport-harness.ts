import { afterEach } from 'vitest'
import type { OutgoingRecord, Publisher } from '../../../src/transport/publisher.ts'
import type {
  BatchResult,
  ReceivedBatch,
  ReceivedRecord,
  Subscriber,
  SubscriberOptions,
} from '../../../src/transport/subscriber.ts'
import type { KafkaTransport } from '../../../src/transport/transport.ts'

/** A transport under test, and what its port leaves out. */
export type TransportUnderTest = {
  readonly transport: KafkaTransport
  /** Fit for topics and groups; no other test has it. */
  readonly uniqueName: () => string
  readonly deleteTopic: (topic: string) => Promise<void>
}

/** What the suites work with. Publishers and subscribers that it makes are closed after each test. */
export type TransportHarness = TransportUnderTest & {
  readonly newTopic: (partitions: number) => Promise<string>
  readonly openPublisher: () => Promise<Publisher>
  readonly subscriber: (options: SubscriberOptions) => Subscriber
  readonly publish: (records: readonly OutgoingRecord[]) => Promise<void>
  /** Reads the first `count` records of topics, in a group of its own. */
  readonly read: (topics: readonly string[], count: number) => Promise<ReceivedRecord[]>
}

/** Short waits, so that members come and go quickly. 1,500 ms is what the brokers of the tests allow. */
export const quickMember = { sessionTimeoutMs: 1_500, maxWaitMs: 50 } as const

const deadlineMs = 10_000

/** Makes the harness of one test file; call it while the file’s tests are collected. */
export function harnessFor(subject: () => TransportUnderTest): () => TransportHarness {
  const open: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of open.splice(0).toReversed()) await close()
  })
  return () => {
    const { transport, uniqueName, deleteTopic } = subject()
    const subscriber = (options: SubscriberOptions): Subscriber => {
      const made = transport.subscriber({ ...quickMember, ...options })
      open.push(() => made.stop())
      return made
    }
    const openPublisher = async (): Promise<Publisher> => {
      const publisher = transport.publisher()
      open.push(() => publisher.close())
      await publisher.open()
      return publisher
    }
    return {
      transport,
      uniqueName,
      deleteTopic,
      subscriber,
      openPublisher,
      newTopic: async (partitions) => {
        const topic = uniqueName()
        const admin = transport.admin()
        await admin.createTopics([{ topic, partitions }])
        await admin.close()
        return topic
      },
      publish: async (records) => {
        const publisher = await openPublisher()
        const result = await publisher.publish(records, { deadlineMs })
        if (result.kind !== 'acknowledged') throw new Error(`not published: ${JSON.stringify(result)}`)
        await publisher.close()
      },
      read: async (topics, count) => {
        const inbox = new Inbox()
        const reader = subscriber({ group: uniqueName(), topics })
        await reader.run({ onBatch: inbox.takeAll })
        const records = await inbox.atLeast(count)
        await reader.stop()
        return records
      },
    }
  }
}

/** Collects what handlers get, and lets a test wait for it. */
export class Inbox {
  readonly records: ReceivedRecord[] = []
  readonly #waiting = new Set<() => void>()

  /** A handler that takes and commits everything. */
  readonly takeAll = async (batch: ReceivedBatch): Promise<BatchResult> => {
    this.add(batch)
    await batch.commit(nextOffset(batch))
    return { kind: 'done' }
  }

  add(batch: ReceivedBatch): void {
    this.records.push(...batch.records)
    for (const wake of this.#waiting) wake()
  }

  values(): string[] {
    return this.records.map((record) => String(record.value))
  }

  /** @throws when there are not so many records within 15 s */
  async atLeast(count: number): Promise<ReceivedRecord[]> {
    await this.until(() => this.records.length >= count, `${count} records`)
    return this.records
  }

  async until(condition: () => boolean, what: string, withinMs = 15_000): Promise<void> {
    if (condition()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const wake = (): void => {
      if (condition()) resolve()
    }
    const timer = setTimeout(
      () => reject(new Error(`waited ${withinMs} ms for ${what}; there are ${this.records.length} records`)),
      withinMs,
    )
    this.#waiting.add(wake)
    try {
      await promise
    } finally {
      this.#waiting.delete(wake)
      clearTimeout(timer)
    }
  }
}

/** The offset after the last record of a batch. */
export function nextOffset(batch: ReceivedBatch): bigint {
  return batch.records.at(-1)!.offset + 1n
}

/** Records with the values `0`, `1`, ... `count - 1`, in turn over the partitions. */
export function numbered(topic: string, count: number, partitions = 1, first = 0): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic,
    partition: (first + index) % partitions,
    key: `key-${(first + index) % partitions}`,
    value: String(first + index),
    headers: [],
  }))
}
