import { type BackoffPolicy, backoffMs } from '../../../kernel/backoff.ts'
import type { Cluster } from '../client/cluster.ts'
import type { BatchEncoder } from '../encoding/batch-encoder.ts'
import type { PartitionQueue, Sent } from './partition-queue.ts'
import { outcomeOf } from './produce-outcome.ts'
import {
  type PartitionBatch,
  type ProduceAnswer,
  sendProduceRequest,
  writeProduceRequest,
} from './produce-request.ts'

/** Brokers take requests of 100 MB by default. Smaller ones are answered sooner, and several are under way. */
const requestBytesMax = 4_000_000

const connectPolicy: BackoffPolicy = { initialMs: 50, maxMs: 1_000, factor: 2 }

/** Who writes, as the broker knows it. */
export type ProducerName = { readonly producerId: bigint; readonly epoch: number }

/** What the sender asks of its publisher. */
export type SenderOwner = {
  /** Bytes that a batch of the topic may have. */
  batchBytesMax(topic: string): number
  /** Until when the first of what is under way has to be done; by `performance.now()`. */
  readonly deadlineAt: number
  /** Something was answered, or a broker can be tried (again): look what can be sent. */
  onProgress(): void
  /** A broker cannot be reached: perhaps another one leads its partitions. */
  onUnreachable(node: number): void
}

/** Sends batches to brokers: one request has one batch for each partition, and those of a broker stay in order. */
export class RequestSender {
  readonly #cluster: Cluster
  readonly #encoder: BatchEncoder
  readonly #owner: SenderOwner
  readonly #connecting = new Set<number>()
  readonly #failures = new Map<number, number>()

  constructor(cluster: Cluster, encoder: BatchEncoder, owner: SenderOwner) {
    this.#cluster = cluster
    this.#encoder = encoder
    this.#owner = owner
  }

  /** Sends what the queues have for a broker that leads their partitions. */
  send(node: number, queues: readonly PartitionQueue[], name: ProducerName): void {
    const connection = this.#cluster.connected(node)
    if (connection === undefined) return this.#connect(node)
    let ready = queues
    while (ready.length > 0 && !connection.socket.destroyed) {
      const sent = new Map<PartitionQueue, Sent>()
      const timeoutMs = Math.max(1, Math.ceil(this.#owner.deadlineAt - performance.now()))
      const batches = ready.map((queue) => this.#batchOf(queue, name, sent))
      writeProduceRequest(this.#encoder, batches, timeoutMs, () => this.#encoder.length > requestBytesMax)
      sendProduceRequest(connection, this.#encoder, (error, answer) => {
        // of a broken connection nobody knows what arrived; the library may say so more than once
        if (error !== null) connection.socket.destroy()
        this.#settle(sent, error, answer)
      })
      ready = ready.filter(({ maySend }) => maySend)
    }
  }

  #batchOf(queue: PartitionQueue, name: ProducerName, sent: Map<PartitionQueue, Sent>): PartitionBatch {
    const { topic, partition } = queue
    return {
      topic,
      partition,
      write: () => {
        const batch = queue.send(({ job, indexes, from, to, sequence: given }, sequence) => {
          const bytesMax = given === undefined ? this.#owner.batchBytesMax(topic) : Number.POSITIVE_INFINITY
          const start = this.#encoder.length
          const part = { records: job.records, indexes, from, to }
          const end = this.#encoder.batch(part, { ...name, sequence }, bytesMax)
          return { end, bytes: this.#encoder.length - start }
        })
        if (batch !== undefined) sent.set(queue, batch)
      },
    }
  }

  #settle(
    sent: ReadonlyMap<PartitionQueue, Sent>,
    error: Error | null,
    answer: ProduceAnswer | undefined,
  ): void {
    for (const [queue, batch] of sent) {
      const given = answer?.get(queue.topic)?.get(queue.partition)
      if (given === undefined) queue.answered(batch, { kind: 'unsure', cause: error ?? unanswered })
      else queue.answered(batch, outcomeOf(given))
    }
    this.#owner.onProgress()
  }

  #connect(node: number): void {
    if (this.#connecting.has(node)) return
    this.#connecting.add(node)
    void this.#cluster
      .broker(node)
      .then(
        () => void this.#failures.delete(node),
        () => this.#unreachable(node),
      )
      .finally(() => {
        this.#connecting.delete(node)
        this.#owner.onProgress()
      })
  }

  #unreachable(node: number): Promise<void> {
    const failures = (this.#failures.get(node) ?? 0) + 1
    this.#failures.set(node, failures)
    this.#owner.onUnreachable(node)
    const pauseMs = backoffMs(failures, connectPolicy, Math.random())
    return new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

const unanswered = new Error('the broker’s answer does not name the partition')
