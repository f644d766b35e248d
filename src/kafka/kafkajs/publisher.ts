import type { CompressionTypes, Producer } from 'kafkajs'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { OutgoingRecord, PublishFailure, Publisher, PublishResult } from '../../transport/publisher.ts'
import { type Client, quickRetry } from './client/client.ts'
import { settlesWithin } from '../../transport/settles-within.ts'
import { kafkaError, publishFailureOf } from './errors.ts'
import { type OutgoingBatch, outgoingBatches } from './outgoing-batch.ts'
import { TopicMetadata } from './topic-metadata.ts'

/** Connecting and drawing a producer id may take this long. */
const openDeadlineMs = 10_000

const acknowledged: PublishResult = { kind: 'acknowledged' }

/**
 * A publisher over kafkajs’s idempotent producer, under the rules that make it safe (each broken without them on a real broker):
 * - One `sendBatch` at a time. kafkajs rolls its sequence numbers back after a failure, so that of two under way one can be acknowledged
 *   and lost.
 * - Any rejection ends it: its sequence numbers no longer match the broker’s, and the next batch could be taken for a duplicate.
 *   Its sockets are destroyed, since kafkajs goes on retrying behind the back of a caller who has given up.
 * - What is acknowledged is counted. kafkajs leaves out, without a word, records of a partition that it does not know, and those whose
 *   leader moved, during a retry, to a broker that had already answered. The first will never succeed (the topic was made again with fewer
 *   partitions), so the two are told apart.
 */
export class KafkajsPublisher implements Publisher {
  readonly #client: Client
  readonly #compression: CompressionTypes | undefined
  readonly #producer: Producer
  readonly #metadata: TopicMetadata
  /** Topics that were there when they were last needed. */
  readonly #knownTopics = new Set<string>()
  #state: Publisher['state'] = 'new'
  #opening: Promise<void> | undefined
  #underWay: Promise<PublishResult> | undefined
  /** Whether kafkajs has begun to sort the present batch by partitions: from then on something may have left. */
  #hasLeft = false

  constructor(newClient: () => Client, compression?: CompressionTypes) {
    this.#client = newClient()
    this.#compression = compression
    this.#metadata = new TopicMetadata(newClient)
    this.#producer = this.#client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: quickRetry,
      createPartitioner:
        () =>
        ({ message }) => {
          this.#hasLeft = true
          return message.partition ?? 0
        },
    })
  }

  get state(): Publisher['state'] {
    return this.#state
  }

  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async partitionCount(topic: string): Promise<number | undefined> {
    const count = await this.#metadata.partitionCount(topic)
    if (count === undefined) this.#knownTopics.delete(topic)
    else this.#knownTopics.add(topic)
    return count
  }

  async publish(
    records: readonly OutgoingRecord[],
    options: { readonly deadlineMs: number },
  ): Promise<PublishResult> {
    if (this.#state !== 'ready') return failed('unknown', `this publisher is ${this.#state}`)
    if (this.#underWay !== undefined) return failed('retriable', 'another batch is under way')
    this.#underWay = this.#publish(records, performance.now() + options.deadlineMs)
    try {
      return await this.#underWay
    } catch (thrown) {
      return this.#poison({ kind: 'unknown', reason: reasonOf(thrown), cause: thrown })
    } finally {
      this.#underWay = undefined
    }
  }

  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    const wasReady = this.#state === 'ready'
    this.#state = 'closed'
    const until = performance.now() + (options.graceMs ?? 2_000)
    const left = (): number => Math.max(0, until - performance.now())
    if (this.#underWay !== undefined) await settlesWithin(this.#underWay, left())
    if (wasReady) await settlesWithin(this.#producer.disconnect(), left())
    this.#client.cutOff()
    await this.#metadata.close(left())
  }

  async #open(): Promise<void> {
    const place = 'opening a publisher'
    if (this.#state !== 'new')
      throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: it is ${this.#state}`)
    // kafkajs calls itself connected before it has a producer id: a rejection here must end it, else it would send without one
    const connecting = this.#producer.connect()
    try {
      if (!(await settlesWithin(connecting, openDeadlineMs))) {
        throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: no answer within ${openDeadlineMs} ms`)
      }
      await connecting
    } catch (thrown) {
      this.#poison({ kind: 'retriable', reason: reasonOf(thrown) })
      throw kafkaError(thrown, place)
    }
    if (this.#state === 'new') this.#state = 'ready'
    else throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: it was closed meanwhile`)
  }

  async #publish(records: readonly OutgoingRecord[], untilMs: number): Promise<PublishResult> {
    const missing = await this.#missingTopics(records, untilMs)
    if (missing.size === 0) return this.#sendAll(records, untilMs)
    const failures = new Map<number, PublishFailure>()
    const present: OutgoingRecord[] = []
    const positions: number[] = []
    for (const [index, record] of records.entries()) {
      if (missing.has(record.topic)) {
        failures.set(index, { kind: 'topic', reason: `the topic ${record.topic} does not exist` })
      } else {
        present.push(record)
        positions.push(index)
      }
    }
    if (present.length === 0) return { kind: 'failed', failure: failures.values().next().value ?? noFailure }
    const rest = await this.#sendAll(present, untilMs)
    if (rest.kind === 'failed') for (const position of positions) failures.set(position, rest.failure)
    return { kind: 'partial', failures }
  }

  /** Looks before it sends: one unknown topic makes kafkajs retry and then reject the whole batch, which would end this publisher. */
  async #missingTopics(records: readonly OutgoingRecord[], untilMs: number): Promise<ReadonlySet<string>> {
    const unsure = new Set<string>()
    for (const { topic } of records) if (!this.#knownTopics.has(topic)) unsure.add(topic)
    const missing = new Set<string>()
    for (const topic of unsure) {
      const counting = this.partitionCount(topic)
      if (!(await settlesWithin(counting, untilMs - performance.now()))) break
      const count = await counting.catch(() => 1) // unreachable: kafkajs will find out whether it is so for the producer too
      if (count === undefined) missing.add(topic)
    }
    return missing
  }

  async #sendAll(records: readonly OutgoingRecord[], untilMs: number): Promise<PublishResult> {
    let hasWritten = false
    for (const batch of outgoingBatches(records)) {
      const failure = await this.#send(batch, untilMs)
      if (failure !== undefined) {
        const kind = hasWritten && failure.kind === 'retriable' ? 'unknown' : failure.kind
        return this.#poison({ ...failure, kind })
      }
      hasWritten = true
    }
    return acknowledged
  }

  #send(batch: OutgoingBatch, untilMs: number): Promise<PublishFailure | undefined> {
    const leftMs = Math.ceil(untilMs - performance.now())
    if (leftMs <= 0)
      return Promise.resolve({ kind: 'retriable', reason: 'the deadline passed before anything was sent' })
    this.#hasLeft = false
    const compression = this.#compression === undefined ? {} : { compression: this.#compression }
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve({ kind: 'unknown', reason: 'Kafka did not acknowledge within the deadline' })
      }, leftMs)
      const settle = (failure: PublishFailure | undefined): void => {
        clearTimeout(timer)
        resolve(failure)
      }
      this.#producer
        .sendBatch({ acks: -1, timeout: leftMs, topicMessages: batch.topicMessages, ...compression })
        .then(
          (answers) => {
            for (const { topicName, partition } of answers) batch.partitions.get(topicName)?.delete(partition)
            const forgotten = [...batch.partitions].find(([, partitions]) => partitions.size > 0)
            if (forgotten === undefined) settle(undefined)
            else void this.#notWritten(forgotten[0], [...forgotten[1]]).then(settle)
          },
          (thrown: unknown) => settle(publishFailureOf(thrown, this.#hasLeft)),
        )
    })
  }

  /** kafkajs said yes and did not send: the partition does not exist, or its leader moved. Some of the batch is written. Never rejects. */
  async #notWritten(topic: string, partitions: readonly number[]): Promise<PublishFailure> {
    this.#metadata.forget(topic)
    const count = await this.#metadata.partitionCount(topic).catch(() => undefined)
    const isGone = count !== undefined && partitions.some((partition) => partition >= count)
    const reason = `kafkajs did not send to partition ${partitions.join(', ')} of ${topic}`
    return isGone
      ? { kind: 'topic', reason: `${reason}: it has ${count} partitions` }
      : { kind: 'unknown', reason }
  }

  #poison(failure: PublishFailure): PublishResult {
    if (this.#state !== 'closed') this.#state = 'poisoned'
    this.#client.cutOff()
    void this.#metadata.close()
    return { kind: 'failed', failure }
  }
}

const noFailure: PublishFailure = { kind: 'unknown', reason: 'no record' }

function failed(kind: PublishFailure['kind'], reason: string): PublishResult {
  return { kind: 'failed', failure: { kind, reason } }
}
