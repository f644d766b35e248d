import { initProducerIdV4 } from '@platformatic/kafka'
import { systemClock } from '../../kernel/clock.ts'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import { settlesWithin } from '../../transport/settles-within.ts'
import type {
  OutgoingRecord,
  PublishFailure,
  Publisher,
  PublisherIdentity,
  PublishResult,
} from '../../transport/publisher.ts'
import { assertAccepted, kafkaError } from './client/broker-refusal.ts'
import type { ClientSettings } from './client/client-settings.ts'
import { Cluster } from './client/cluster.ts'
import { isOnItsWay } from './client/error-codes.ts'
import { TopicLeaders } from './client/topic-leaders.ts'
import { BatchEncoder } from './encoding/batch-encoder.ts'
import type { Codec } from './encoding/codec.ts'
import { PartitionQueue } from './publishing/partition-queue.ts'
import { PublishJob } from './publishing/publish-job.ts'
import { RequestSender } from './publishing/request-sender.ts'

/** Connecting and drawing a producer id may take this long. */
const openDeadlineMs = 10_000

/** Brokers take 1,048,588 bytes a batch by default (`message.max.bytes`); a topic may take less, which is learned. */
const batchBytesMax = 1_000_000

/** Missing leaders and unreachable brokers are asked for this often. */
const askAgainMs = 50

/** The broker checks the order, so any number is safe; more than this would only take memory. */
export const publishesUnderWayMax = 16

/** Epochs are 16 bits. */
const epochMax = 32_766

const silent: PublishFailure = { kind: 'unknown', reason: 'Kafka did not acknowledge within the deadline' }
const late: PublishFailure = { kind: 'retriable', reason: 'the deadline passed before it was sent' }

/**
 * A publisher over the library’s connections, with requests of our own: records are encoded by {@link BatchEncoder} and numbered by
 * {@link PartitionQueue}, so that the broker recognises what comes twice and refuses what comes out of order.
 *
 * Retries within the deadline go under the same numbers and are safe. It is poisoned when the fate of something is unknown past its
 * deadline, or when the numbering is lost. A successor takes over its producer id under the next epoch: from its first record on, the
 * broker refuses whatever of the predecessor still arrives.
 */
export class PlatformaticPublisher implements Publisher {
  readonly #cluster: Cluster
  readonly #leaders: TopicLeaders
  readonly #sender: RequestSender
  readonly #queues = new Map<string, PartitionQueue[]>()
  readonly #busy = new Set<PartitionQueue>()
  readonly #jobs = new Set<PublishJob>()
  readonly #bytesMax = new Map<string, number>()
  readonly #askedAt = new Map<string, number>()
  readonly #succeeds: PublisherIdentity | undefined
  #identity: PublisherIdentity | undefined
  #state: Publisher['state'] = 'new'
  #opening: Promise<void> | undefined
  #wake: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined
  #pumping: 'no' | 'yes' | 'again' = 'no'

  /** @param succeeds whose producer id it takes over */
  constructor(settings: ClientSettings, codec: Codec, succeeds?: PublisherIdentity) {
    this.#cluster = new Cluster(settings)
    this.#leaders = new TopicLeaders(this.#cluster)
    this.#succeeds = succeeds
    const deadlineAt = (): number => Math.min(...[...this.#jobs].map((job) => job.deadlineAt))
    this.#sender = new RequestSender(this.#cluster, new BatchEncoder(codec), {
      batchBytesMax: (topic) => this.#bytesMax.get(topic) ?? batchBytesMax,
      get deadlineAt() {
        return deadlineAt()
      },
      onProgress: () => this.#pump(),
      onUnreachable: () => {
        for (const { topic } of this.#busy) this.#leaders.forget(topic)
      },
    })
  }

  get state(): Publisher['state'] {
    return this.#state
  }

  get identity(): PublisherIdentity | undefined {
    return this.#identity
  }

  open(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  partitionCount(topic: string): Promise<number | undefined> {
    return this.#leaders.partitionCount(topic)
  }

  async publish(
    records: readonly OutgoingRecord[],
    options: { readonly deadlineMs: number },
  ): Promise<PublishResult> {
    if (this.#state !== 'ready') {
      return { kind: 'failed', failure: { kind: 'unknown', reason: `this publisher is ${this.#state}` } }
    }
    if (this.#jobs.size >= publishesUnderWayMax)
      return { kind: 'failed', failure: { kind: 'retriable', reason: 'too many publishes are under way' } }
    const job = new PublishJob(records, performance.now() + options.deadlineMs)
    this.#jobs.add(job)
    this.#enqueue(job)
    this.#pump()
    const timer = setTimeout(() => this.#expire(job), options.deadlineMs)
    try {
      return await job.done
    } finally {
      clearTimeout(timer)
      this.#jobs.delete(job)
    }
  }

  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    const underWay = Promise.all([...this.#jobs].map((job) => job.done))
    if (this.#state === 'ready' && this.#jobs.size > 0)
      await settlesWithin(underWay, options.graceMs ?? 2_000)
    this.#end({ kind: 'unknown', reason: 'this publisher was closed' })
    this.#state = 'closed'
  }

  async #open(): Promise<void> {
    const place = 'opening a publisher'
    if (this.#state !== 'new')
      throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: it is ${this.#state}`)
    const identifying = this.#identify()
    try {
      if (!(await settlesWithin(identifying, openDeadlineMs)))
        throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: no answer within ${openDeadlineMs} ms`)
      this.#identity = await identifying
    } catch (thrown) {
      this.#poison({ kind: 'retriable', reason: reasonOf(thrown) })
      throw kafkaError(thrown, place)
    }
    if (this.#state === 'new') this.#state = 'ready'
    else throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: it was closed meanwhile`)
  }

  /** The predecessor’s producer id under the next epoch, or a new one. */
  async #identify(): Promise<PublisherIdentity> {
    await this.#cluster.describe([])
    const before = this.#succeeds
    if (before !== undefined && before.epoch < epochMax) return { ...before, epoch: before.epoch + 1 }
    for (;;) {
      const drawn = await this.#cluster.askAny(initProducerIdV4.api, null, 0, -1n, -1)
      if (!isOnItsWay(drawn.errorCode) || this.#state !== 'new') {
        assertAccepted(drawn.errorCode)
        return { producerId: drawn.producerId, epoch: drawn.producerEpoch }
      }
      await systemClock.pause(askAgainMs)
    }
  }

  #enqueue(job: PublishJob): void {
    const parts = new Map<PartitionQueue, number[]>()
    let topic: string | undefined
    let queues: PartitionQueue[] = []
    let index = 0
    for (const record of job.records) {
      if (record.topic !== topic) {
        topic = record.topic
        queues = this.#queuesOf(topic)
      }
      const queue = (queues[record.partition] ??= this.#newQueue(record.topic, record.partition))
      const indexes = parts.get(queue)
      if (indexes === undefined) parts.set(queue, [index])
      else indexes.push(index)
      index += 1
    }
    for (const [queue, indexes] of parts) {
      queue.enqueue({ job, indexes, from: 0, to: indexes.length, maybeWritten: false })
      this.#busy.add(queue)
    }
  }

  #queuesOf(topic: string): PartitionQueue[] {
    let queues = this.#queues.get(topic)
    if (queues === undefined) this.#queues.set(topic, (queues = []))
    return queues
  }

  #newQueue(topic: string, partition: number): PartitionQueue {
    return new PartitionQueue(topic, partition, {
      poison: (failure) => this.#poison(failure),
      onStale: (stale) => this.#leaders.forget(stale),
      onTooLarge: (large, bytes) => this.#bytesMax.set(large, Math.max(1, Math.floor(bytes / 2))),
    })
  }

  get #isReady(): boolean {
    return this.#state === 'ready'
  }

  /** Sends whatever can be sent. */
  #pump(): void {
    if (this.#pumping !== 'no') {
      this.#pumping = 'again'
      return
    }
    do {
      this.#pumping = 'yes'
      this.#sendReady()
    } while ((this.#pumping as string) === 'again')
    this.#pumping = 'no'
  }

  #sendReady(): void {
    if (!this.#isReady || this.#identity === undefined) return
    const byNode = new Map<number, PartitionQueue[]>()
    const now = performance.now()
    for (const queue of this.#busy) {
      if (queue.isIdle) this.#busy.delete(queue)
      else if (queue.maySend) {
        if (queue.notBefore > now) this.#wakeAt(queue.notBefore)
        else this.#assign(queue, byNode, now)
      }
    }
    if (!this.#isReady) return // a queue has ended it
    for (const [node, queues] of byNode) this.#sender.send(node, queues, this.#identity)
  }

  #assign(queue: PartitionQueue, byNode: Map<number, PartitionQueue[]>, now: number): void {
    const { topic, partition } = queue
    const leader = this.#leaders.leaderOf(topic, partition)
    if (leader === 'missing') {
      const reason = this.#leaders.reasonMissing(topic, partition)
      queue.failWaiting({ kind: 'topic', reason }, this.#leaders.isGone(topic))
    } else if (leader === undefined) {
      this.#askFor(topic, now)
    } else {
      const queues = byNode.get(leader)
      if (queues === undefined) byNode.set(leader, [queue])
      else queues.push(queue)
    }
  }

  #askFor(topic: string, now: number): void {
    const askAt = (this.#askedAt.get(topic) ?? -askAgainMs) + askAgainMs
    if (askAt > now) return this.#wakeAt(askAt)
    this.#askedAt.set(topic, now)
    void this.#leaders.ask(topic).then(
      () => this.#pump(),
      () => this.#wakeAt(performance.now() + askAgainMs),
    )
  }

  #wakeAt(at: number): void {
    if (this.#wake !== undefined) {
      if (this.#wake.at <= at) return
      clearTimeout(this.#wake.timer)
    }
    const wake = (): void => {
      this.#wake = undefined
      this.#pump()
    }
    this.#wake = { at, timer: setTimeout(wake, Math.max(1, Math.ceil(at - performance.now()))) }
  }

  #expire(job: PublishJob): void {
    let isUnsure = false
    for (const queues of this.#queues.values())
      for (const queue of queues) if (queue?.abandon(job, late)) isUnsure = true
    if (isUnsure) this.#poison(silent)
  }

  #poison(failure: PublishFailure): void {
    if (this.#state !== 'closed') this.#state = 'poisoned'
    this.#end(failure)
  }

  /** Fails what is under way. No more bytes leave. */
  #end(failure: PublishFailure): void {
    this.#cluster.cutOff()
    clearTimeout(this.#wake?.timer)
    const unsure: PublishFailure = { ...failure, kind: 'unknown' }
    const unsent: PublishFailure = { ...failure, kind: 'retriable' }
    for (const queues of this.#queues.values()) for (const queue of queues) queue?.fail(unsent, unsure)
    this.#busy.clear()
  }
}
