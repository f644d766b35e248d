/** Reads the numbers of Kafka’s record format from bytes, one after the other. */
export class ByteReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** A zigzag varint of up to 32 bits. */
  varint(): number {
    let value = 0
    let shift = 0
    for (;;) {
      const byte = this.#byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
      shift += 7
    }
  }

  /** A zigzag varint of up to 64 bits whose value is a time: well below 2^53. */
  varlong(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      factor *= 128
    }
  }

  /** Bytes after their length; `null` where the length is negative. They share the memory that is read. */
  lengthAndBytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.at
    this.at += length
    if (this.at > this.bytes.length) throw new RangeError('a record ends before its fields')
    return this.bytes.subarray(start, this.at)
  }

  #byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new RangeError('a record ends before its fields')
    return byte
  }
}
