import type { Message, TopicMessages } from 'kafkajs'
import type { OutgoingRecord } from '../../transport/publisher.ts'

/**
 * kafkajs puts all records of a partition into one batch of the protocol, and brokers take 1,048,588 bytes a batch by default
 * (`message.max.bytes`). This leaves room for what is not counted here.
 */
const partitionBytesMax = 900_000

/** Length fields, attributes, offset and timestamp of one record, and a length field for each header, generously. */
const recordOverheadBytes = 32
const headerOverheadBytes = 6

/** What one `sendBatch` carries: at most {@link partitionBytesMax} for each partition, unless one record alone is larger. */
export type OutgoingBatch = {
  readonly topicMessages: TopicMessages[]
  /** The partitions that it writes to, by topic. */
  readonly partitions: Map<string, Set<number>>
}

type TopicPart = { readonly messages: Message[]; readonly partitions: Set<number>; readonly bytes: number[] }

/** Sorts records by topic, in order, for as few `sendBatch` calls as their sizes allow. */
export function outgoingBatches(records: readonly OutgoingRecord[]): OutgoingBatch[] {
  const batches: OutgoingBatch[] = []
  let parts = new Map<string, TopicPart>()
  let topic: string | undefined
  let part: TopicPart | undefined
  for (const record of records) {
    // asked for once each: a packed record makes them anew each time
    const { key, value } = record
    const headers = new HeaderTable()
    const bytes =
      recordOverheadBytes + byteLength(key) + byteLength(value) + putHeaders(headers, record.headers)
    if (record.topic !== topic || part === undefined) {
      topic = record.topic
      part = partOf(parts, topic)
    }
    const before = part.bytes[record.partition] ?? 0
    if (before > 0 && before + bytes > partitionBytesMax) {
      batches.push(batchOf(parts))
      parts = new Map()
      part = partOf(parts, record.topic)
      part.bytes[record.partition] = bytes
    } else {
      part.bytes[record.partition] = before + bytes
    }
    part.partitions.add(record.partition)
    part.messages.push({ key, value, partition: record.partition, headers })
  }
  if (parts.size > 0) batches.push(batchOf(parts))
  return batches
}

function partOf(parts: Map<string, TopicPart>, topic: string): TopicPart {
  let part = parts.get(topic)
  if (part === undefined) parts.set(topic, (part = { messages: [], partitions: new Set(), bytes: [] }))
  return part
}

function batchOf(parts: Map<string, TopicPart>): OutgoingBatch {
  const topicMessages: TopicMessages[] = []
  const partitions = new Map<string, Set<number>>()
  for (const [topic, part] of parts) {
    topicMessages.push({ topic, messages: part.messages })
    partitions.set(topic, part.partitions)
  }
  return { topicMessages, partitions }
}

/**
 * Header names to values. Its prototype has no properties, so that a header may be named `constructor` or `__proto__`; other than
 * `Object.create(null)` itself, its instances keep fast property access.
 */
class HeaderTable {
  [name: string]: string | Buffer | (string | Buffer)[]
}
Object.setPrototypeOf(HeaderTable.prototype, null)
delete (HeaderTable.prototype as { constructor?: unknown }).constructor

/** @returns their size in bytes, nearly: names count as one byte a character */
function putHeaders(headers: HeaderTable, list: OutgoingRecord['headers']): number {
  let bytes = 0
  for (const [name, value] of list) {
    bytes += headerOverheadBytes + name.length + byteLength(value)
    const present = headers[name]
    if (present === undefined) headers[name] = value
    else if (Array.isArray(present)) present.push(value)
    else headers[name] = [present, value]
  }
  return bytes
}

function byteLength(value: string | Buffer | null): number {
  if (value === null) return 0
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}
