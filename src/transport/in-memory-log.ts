import { BackstitchError } from '../kernel/errors.ts'
import type { TopicSpecification } from './admin.ts'
import type { OutgoingRecord } from './publisher.ts'
import type { ReceivedRecord } from './subscriber.ts'

/** Kafka’s default of `max.message.bytes`. */
const recordBytesMax = 1_048_588

/** What Kafka adds to a record, about. */
const recordOverheadBytes = 80

type Topic = {
  readonly partitions: ReceivedRecord[][]
  /** In the order in which they came, over all partitions. */
  readonly arrivals: ReceivedRecord[]
  readonly recordBytesMax: number
  readonly config: ReadonlyMap<string, string>
}

/** The topics of an in-memory Kafka. */
export class InMemoryLog {
  readonly #topics = new Map<string, Topic>()
  readonly #arrived = new Set<() => void>()
  readonly #changed = new Set<() => void>()

  partitionCount(topic: string): number | undefined {
    return this.#topics.get(topic)?.partitions.length
  }

  /** The settings of a topic; `undefined` where it does not exist. */
  config(topic: string): ReadonlyMap<string, string> | undefined {
    return this.#topics.get(topic)?.config
  }

  /** Creates a topic, unless it exists. @throws `TOPIC_REFUSED` */
  create({ topic, partitions, config }: TopicSpecification): void {
    if (this.#topics.has(topic)) return
    if (!/^[\w.-]{1,249}$/.test(topic) || !Number.isInteger(partitions) || partitions < 1) {
      throw new BackstitchError('TOPIC_REFUSED', `${topic}: ${partitions} partitions`)
    }
    this.#topics.set(topic, {
      partitions: Array.from({ length: partitions }, () => []),
      arrivals: [],
      recordBytesMax: Number(config?.['max.message.bytes'] ?? recordBytesMax),
      config: new Map(Object.entries({ 'max.message.bytes': String(recordBytesMax), ...config })),
    })
    for (const notify of this.#changed) notify()
  }

  delete(topic: string): void {
    if (this.#topics.delete(topic)) for (const notify of this.#changed) notify()
  }

  /** Calls back whenever topics come or go. */
  onTopicsChanged(notify: () => void): void {
    this.#changed.add(notify)
  }

  /** Whether the topic takes a record of this size. */
  takes(record: OutgoingRecord): boolean {
    const limit = this.#topics.get(record.topic)?.recordBytesMax ?? 0
    const headers = record.headers.reduce((sum, [name, value]) => sum + name.length + bytes(value).length, 0)
    const size =
      recordOverheadBytes + (bytes(record.key)?.length ?? 0) + (bytes(record.value)?.length ?? 0) + headers
    return size <= limit
  }

  /** Appends records of topics and partitions that exist; bytes are copied. */
  append(records: readonly OutgoingRecord[], timestampMs: number): void {
    for (const record of records) {
      const topic = this.#topics.get(record.topic)
      const partition = topic?.partitions[record.partition]
      if (topic === undefined || partition === undefined) continue
      const received: ReceivedRecord = {
        topic: record.topic,
        partition: record.partition,
        offset: BigInt(partition.length),
        key: bytes(record.key),
        value: bytes(record.value),
        headers: record.headers.map(([name, value]) => [name, bytes(value)] as const),
        timestampMs,
      }
      partition.push(received)
      topic.arrivals.push(received)
    }
    for (const wake of this.#arrived) wake()
    this.#arrived.clear()
  }

  /** All records of a topic, in the order in which they came. */
  arrivals(topic: string): readonly ReceivedRecord[] {
    return [...(this.#topics.get(topic)?.arrivals ?? [])]
  }

  /** The offset after each partition’s last record. */
  endOffsets(topic: string): bigint[] {
    return (this.#topics.get(topic)?.partitions ?? []).map((records) => BigInt(records.length))
  }

  /** The offset of the first record published at a time or later; `undefined` where there is none. */
  offsetAt(topic: string, partition: number, timestampMs: number): bigint | undefined {
    return this.#topics.get(topic)?.partitions[partition]?.find((record) => record.timestampMs >= timestampMs)
      ?.offset
  }

  /** Waits for records at or after an offset; none when the signal aborts first. */
  async read(
    topic: string,
    partition: number,
    offset: bigint,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly ReceivedRecord[]> {
    for (;;) {
      if (signal.aborted) return []
      const start = Number(offset)
      const found = this.#topics.get(topic)?.partitions[partition]?.slice(start, start + limit) ?? []
      if (found.length > 0) return found
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#arrived.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#arrived.add(wake)
        signal.addEventListener('abort', wake)
      })
    }
  }
}

function bytes(value: string | Buffer): Buffer
function bytes(value: string | Buffer | null): Buffer | null
function bytes(value: string | Buffer | null): Buffer | null {
  if (value === null) return null
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)
}
