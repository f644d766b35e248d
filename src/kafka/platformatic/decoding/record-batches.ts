import type { ReceivedRecord } from '../../../transport/subscriber.ts'
import { decompressed } from '../encoding/codec.ts'
import { crc32c } from '../encoding/crc32c.ts'
import { ByteReader } from './byte-reader.ts'

/** Where the records came from, and from where on they are wanted. */
export type FetchedFrom = { readonly topic: string; readonly partition: number; readonly offset: bigint }

/** A transaction that was given up: what its producer wrote from there on until its mark never happened. */
export type AbortedTransaction = { readonly producerId: bigint; readonly firstOffset: bigint }

/** Records, and the offset to go on at: beyond marks and gaps that are no records. */
export type FetchedRecords = { readonly records: readonly ReceivedRecord[]; readonly nextOffset: bigint }

/** Kafka’s “magic”: 2 since Kafka 0.11. */
const formatRead = 2
const formatAt = 16
const checksumAt = 17
const attributesAt = 21
const headerBytes = 61
const codecBits = 0b111
const appendTimeBit = 0b1000
const transactionalBit = 0b1_0000
const controlBit = 0b10_0000
const nothing = Buffer.alloc(0)

/**
 * Reads record batches (message format 2) as a broker hands them out: the first may begin before the offset that was asked for, the last may
 * be cut off.
 * @throws Error where a batch is corrupt, or of an older message format
 */
export function readRecordBatches(
  bytes: Buffer,
  from: FetchedFrom,
  aborted: readonly AbortedTransaction[],
): FetchedRecords {
  const records: ReceivedRecord[] = []
  const pendingAborts = aborted.toSorted((one, other) => (one.firstOffset < other.firstOffset ? -1 : 1))
  const abortedProducers = new Set<bigint>()
  let nextOffset = from.offset
  for (let at = 0; at + attributesAt <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    assertSound(bytes.subarray(at, end))
    const attributes = bytes.readInt16BE(at + attributesAt)
    const lastOffset = bytes.readBigInt64BE(at) + BigInt(bytes.readInt32BE(at + 23))
    const producerId = bytes.readBigInt64BE(at + 43)
    while (pendingAborts[0] !== undefined && pendingAborts[0].firstOffset <= lastOffset) {
      abortedProducers.add(pendingAborts[0].producerId)
      pendingAborts.shift()
    }
    if (attributes & controlBit) abortedProducers.delete(producerId)
    else if (!(attributes & transactionalBit && abortedProducers.has(producerId)))
      readBatch(bytes.subarray(at, end), attributes, from, records)
    if (lastOffset >= nextOffset) nextOffset = lastOffset + 1n
    at = end
  }
  return { records, nextOffset }
}

function assertSound(batch: Buffer): void {
  const offset = batch.length < attributesAt ? undefined : batch.readBigInt64BE(0)
  const place = `the batch at offset ${offset ?? 'unknown'}`
  const format = batch[formatAt]
  if (format !== formatRead)
    throw new Error(`${place} is of message format ${format}, which is not read here`)
  if (batch.length < headerBytes || crc32c(batch.subarray(attributesAt)) !== batch.readUInt32BE(checksumAt))
    throw new Error(`${place} is corrupt: its checksum is not that of its bytes`)
}

function readBatch(batch: Buffer, attributes: number, from: FetchedFrom, records: ReceivedRecord[]): void {
  const baseOffset = batch.readBigInt64BE(0)
  const firstTimestamp = Number(batch.readBigInt64BE(27))
  const appendedAt = attributes & appendTimeBit ? Number(batch.readBigInt64BE(35)) : undefined
  const count = batch.readInt32BE(57)
  const reader = new ByteReader(decompressed(attributes & codecBits, batch.subarray(headerBytes)))
  for (let index = 0; index < count; index++) {
    const length = reader.varint()
    const end = reader.at + length
    reader.at += 1 // attributes: none are defined
    const timestampMs = appendedAt ?? firstTimestamp + reader.varlong()
    if (appendedAt !== undefined) reader.varlong()
    const offset = baseOffset + BigInt(reader.varint())
    if (offset >= from.offset) {
      const { topic, partition } = from
      const key = reader.lengthAndBytes()
      const value = reader.lengthAndBytes()
      records.push({ topic, partition, offset, key, value, headers: headersOf(reader), timestampMs })
    }
    reader.at = end
  }
}

/** A header without a value has no place in the port and becomes empty. */
function headersOf(reader: ByteReader): ReceivedRecord['headers'] {
  const count = reader.varint()
  const headers: (readonly [name: string, value: Buffer])[] = []
  for (let index = 0; index < count; index++) {
    const name = reader.lengthAndBytes() ?? nothing
    headers.push([name.toString(), reader.lengthAndBytes() ?? nothing])
  }
  return headers
}
