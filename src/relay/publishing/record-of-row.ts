import { isReservedHeader } from '../../message/wire-headers.ts'
import type { OutgoingRecord } from '../../transport/publisher.ts'
import { type OutboxTuple, at, textAt } from '../source/outbox-tuple.ts'

type Header = readonly [name: string, value: string]

/** The columns that are sent as a header where they are not null, in the order of the wire. */
const optionalHeaders = [
  'content_type',
  'correlation_id',
  'causation_id',
  'traceparent',
  'tracestate',
  'saga_id',
  'saga_name',
  'saga_step',
  'saga_round',
  'saga_direction',
  'saga_attempt',
  'reply_to',
  'outcome',
] as const

/** The header with a row’s `seq`. */
const sequenceHeaderName = 'outbox-seq'

const optionalNames = optionalHeaders.map((column) => column.replaceAll('_', '-'))
const firstOptional = at.content_type

/**
 * The record of a row: key and body byte for byte, the header `id` as Debezium’s router sends it, and one header a column. The record’s
 * timestamp is left to the moment of sending: with the row’s own, an old row could expire on the topic unread.
 *
 * @param sequenceHeader whether the row’s place in the outbox goes along: within a key it rises, so that whoever keeps only the last state of
 *   a key can drop what arrives late (bytes of a request that was given up may lie in the network and reach the broker after newer ones)
 */
export function recordOfRow(
  row: OutboxTuple,
  topic: string,
  partition: number,
  sequenceHeader: boolean = false,
): OutgoingRecord {
  const headers: Header[] = [
    ['id', textAt(row, 'id')],
    ['type', textAt(row, 'type')],
    ['version', textAt(row, 'version')],
  ]
  addTime(headers, 'created-at', row[at.created_at])
  for (let index = 0; index < optionalNames.length; index++) {
    const value = row[firstOptional + index]
    if (value !== null && value !== undefined) headers.push([optionalNames[index] ?? '', value])
  }
  addTime(headers, 'expires-at', row[at.expires_at])
  const free = row[at.headers]
  if (free !== null && free !== undefined) addFreeHeaders(headers, free)
  // last, so that it counts even where a free header has its name
  if (sequenceHeader) headers.push([sequenceHeaderName, textAt(row, 'seq')])
  return { topic, partition, key: textAt(row, 'aggregateid'), value: bodyOf(row), headers }
}

/** The bytes that leave: text as it was written, bytes as they are, nothing for a tombstone. */
function bodyOf(row: OutboxTuple): string | Buffer | null {
  const text = row[at.payload]
  if (text !== null && text !== undefined) return text
  const hex = row[at.payload_binary]
  return hex === null || hex === undefined ? null : Buffer.from(hex.slice(2), 'hex')
}

/** Our own API refuses reserved names; a plain `insert` that uses one does not get to replace ours. */
function addFreeHeaders(headers: Header[], json: string): void {
  const free: unknown = JSON.parse(json)
  if (typeof free !== 'object' || free === null || Array.isArray(free)) return
  for (const [name, value] of Object.entries(free)) {
    if (value === null || isReservedHeader(name)) continue
    headers.push([name, typeof value === 'string' ? value : JSON.stringify(value)])
  }
}

/** Postgres knows infinite times, the wire does not: such a header is left out. */
function addTime(headers: Header[], name: string, seconds: string | null | undefined): void {
  const value = seconds === null || seconds === undefined ? undefined : microseconds(seconds)
  if (value !== undefined) headers.push([name, value])
}

/**
 * Seconds with up to six decimals, as a float’s shortest text, in whole microseconds, without going through a float: `1700000000.12` is
 * `1700000000120000`. `undefined` for an infinite time.
 */
export function microseconds(seconds: string): string | undefined {
  const point = seconds.indexOf('.')
  if (point > 2) return `${seconds.slice(0, point)}${seconds.slice(point + 1, point + 7).padEnd(6, '0')}`
  if (/^-?\d+$/.test(seconds)) return String(BigInt(seconds) * 1_000_000n)
  // within 100 seconds of 1970: a zero before the point, or an exponent, and few enough digits for a float
  const near = Number(seconds)
  return Number.isFinite(near) ? String(Math.round(near * 1_000_000)) : undefined
}
