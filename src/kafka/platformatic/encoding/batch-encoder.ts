import type { OutgoingRecord } from '../../../transport/publisher.ts'
import { crc32c } from './crc32c.ts'
import { type Codec, noCodec } from './codec.ts'
import { recordBytesMax, writeRecord } from './record-encoder.ts'

/** What the broker checks a batch by: a second arrival of it is recognised, a gap before it is refused. */
export type BatchIdentity = {
  readonly producerId: bigint
  readonly epoch: number
  /** The number of its first record in its partition. */
  readonly sequence: number
}

/** Some of a list of records, in order. */
export type RecordsOfBatch = {
  readonly records: readonly OutgoingRecord[]
  /** Which of them go to the partition. */
  readonly indexes: readonly number[]
  readonly from: number
  readonly to: number
}

const headerBytes = 61
const initialBytes = 1 << 18

/** A buffer that grew for one huge record is given back once it was this many times too large in a row. */
const oversizedMax = 1_000
const keptBytesMax = 1 << 24

/**
 * Writes requests with record batches (Kafka’s message format 2) into one buffer that is used again and again; nothing is allocated for a
 * record. What was written is valid until the next {@link start}.
 */
export class BatchEncoder {
  readonly #codec: Codec
  #buffer = Buffer.allocUnsafeSlow(initialBytes)
  #end = 0
  #oversized = 0

  constructor(codec: Codec = noCodec) {
    this.#codec = codec
  }

  /** Bytes written since {@link start}. */
  get length(): number {
    return this.#end
  }

  /** What was written since {@link start}. The buffer is used again. */
  get written(): Buffer {
    return this.#buffer.subarray(0, this.#end)
  }

  /** Begins anew. */
  start(): void {
    this.#oversized = this.#buffer.length > keptBytesMax && this.#end < keptBytesMax ? this.#oversized + 1 : 0
    if (this.#oversized > oversizedMax) this.#buffer = Buffer.allocUnsafeSlow(initialBytes)
    this.#end = 0
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#end = this.#buffer.writeInt16BE(value, this.#end)
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#end = this.#buffer.writeInt32BE(value, this.#end)
  }

  /** Overwrites a number that was written at `at`. */
  int32At(at: number, value: number): void {
    this.#buffer.writeInt32BE(value, at)
  }

  /** A text with two bytes of length before it. */
  string(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#reserve(2 + bytes)
    this.#buffer.writeInt16BE(bytes, this.#end)
    this.#end += 2 + this.#buffer.write(text, this.#end + 2)
  }

  /**
   * Writes a batch, with four bytes of length before it, of as many records as fit into `bytesMax`, but at least one.
   * @returns where in `indexes` the first record stands that did not fit, or `to`
   */
  batch(part: RecordsOfBatch, identity: BatchIdentity, bytesMax: number): number {
    const start = this.#end + 4
    this.#reserve(4 + headerBytes)
    this.#end = start + headerBytes
    const next = this.#records(part, start + bytesMax)
    this.#compress(start + headerBytes)
    this.#header(start, next - part.from, identity)
    this.#buffer.writeInt32BE(this.#end - start, start - 4)
    return next
  }

  #records({ records, indexes, from, to }: RecordsOfBatch, endMax: number): number {
    for (let place = from; place < to; place++) {
      const record = records[indexes[place] ?? -1]
      if (record === undefined) return place
      this.#reserve(recordBytesMax(record))
      const end = writeRecord(this.#buffer, this.#end, record, place - from)
      if (end > endMax && place > from) return place
      this.#end = end
    }
    return to
  }

  #compress(from: number): void {
    if (this.#codec.bits === 0) return
    const compressed = this.#codec.compress(this.#buffer.subarray(from, this.#end))
    this.#end = from
    this.#reserve(compressed.length)
    this.#end += compressed.copy(this.#buffer, from)
  }

  #header(at: number, count: number, { producerId, epoch, sequence }: BatchIdentity): void {
    const buffer = this.#buffer
    const nowMs = Date.now()
    const [nowHigh, nowLow] = [Math.floor(nowMs / 0x1_0000_0000), nowMs % 0x1_0000_0000]
    buffer.fill(0, at, at + 8) // the first offset is the broker’s to give
    buffer.writeInt32BE(this.#end - at - 12, at + 8)
    buffer.writeInt32BE(-1, at + 12) // the leader’s epoch too
    buffer[at + 16] = 2
    buffer.writeInt16BE(this.#codec.bits, at + 21)
    buffer.writeInt32BE(count - 1, at + 23)
    buffer.writeUInt32BE(nowHigh, at + 27)
    buffer.writeUInt32BE(nowLow, at + 31)
    buffer.writeUInt32BE(nowHigh, at + 35)
    buffer.writeUInt32BE(nowLow, at + 39)
    buffer.writeBigInt64BE(producerId, at + 43)
    buffer.writeInt16BE(epoch, at + 51)
    buffer.writeInt32BE(sequence, at + 53)
    buffer.writeInt32BE(count, at + 57)
    buffer.writeUInt32BE(crc32c(buffer.subarray(at + 21, this.#end)), at + 17)
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#end + bytes))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }
}
