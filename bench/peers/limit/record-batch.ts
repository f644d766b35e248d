import { crc32c } from '@node-rs/crc32'

/** A record with the two headers that a router sends. */
export type PlainRecord = {
  readonly id: Buffer
  readonly key: Buffer
  readonly type: Buffer
  readonly value: Buffer
}

/** The producer whose sequences the broker checks. */
export type ProducerIdentity = { readonly id: bigint; readonly epoch: number }

const headerBytes = 61
const idName = Buffer.from('id')
const typeName = Buffer.from('type')

/** Writes record batches of format 2, uncompressed, into one buffer. */
export class RecordBatchWriter {
  readonly buffer: Buffer = Buffer.allocUnsafe(16 << 20)
  readonly #producer: ProducerIdentity

  constructor(producer: ProducerIdentity) {
    this.#producer = producer
  }

  /** Writes a batch at `start` and returns its end. @param sequence of its first record */
  write(start: number, records: readonly PlainRecord[], sequence: number): number {
    const { buffer } = this
    let at = start + headerBytes
    for (const [n, record] of records.entries()) at = this.#record(at, n, record)
    const now = BigInt(Date.now())
    buffer.writeBigInt64BE(0n, start)
    buffer.writeInt32BE(at - start - 12, start + 8)
    buffer.writeInt32BE(-1, start + 12)
    buffer.writeInt8(2, start + 16)
    buffer.writeInt16BE(0, start + 21)
    buffer.writeInt32BE(records.length - 1, start + 23)
    buffer.writeBigInt64BE(now, start + 27)
    buffer.writeBigInt64BE(now, start + 35)
    buffer.writeBigInt64BE(this.#producer.id, start + 43)
    buffer.writeInt16BE(this.#producer.epoch, start + 51)
    buffer.writeInt32BE(sequence, start + 53)
    buffer.writeInt32BE(records.length, start + 57)
    buffer.writeUInt32BE(crc32c(buffer.subarray(start + 21, at)), start + 17)
    return at
  }

  #record(start: number, n: number, { id, key, type, value }: PlainRecord): number {
    // attributes, time delta, offset delta, key, value, number of headers, headers
    const length =
      2 +
      lengthOf(n) +
      sizeOf(key) +
      sizeOf(value) +
      1 +
      sizeOf(idName) +
      sizeOf(id) +
      sizeOf(typeName) +
      sizeOf(type)
    let at = this.#integer(start, length)
    this.buffer[at++] = 0
    this.buffer[at++] = 0
    at = this.#integer(at, n)
    at = this.#bytes(at, key)
    at = this.#bytes(at, value)
    this.buffer[at++] = 4
    for (const bytes of [idName, id, typeName, type]) at = this.#bytes(at, bytes)
    return at
  }

  #bytes(start: number, bytes: Buffer): number {
    const at = this.#integer(start, bytes.length)
    return at + bytes.copy(this.buffer, at)
  }

  /** A whole number from 0, zigzag and in groups of seven bits. */
  #integer(start: number, value: number): number {
    let at = start
    let rest = value * 2
    while (rest >= 0x80) {
      this.buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[at++] = rest
    return at
  }
}

function sizeOf(bytes: Buffer): number {
  return lengthOf(bytes.length) + bytes.length
}

function lengthOf(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x10_0000 ? 3 : value < 0x800_0000 ? 4 : 5
}
