import { OutputBuffer } from './output-buffer.ts'

/** What stands before the blocks of the Java client: `\x82SNAPPY\0`, its version, and the oldest version that can read it. */
const framing = Buffer.from('82534e4150505900', 'hex')
const framingBytes = framing.length + 8

/**
 * Undoes Snappy, the way Kafka's Java client frames it (xerial) or a bare block as other clients send it. Kafka has a checksum of its own, so there is none here.
 * @throws `RangeError` for bytes that are no Snappy
 */
export function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, framing.length).equals(framing)) return decompressBlock(bytes)
  const blocks: Buffer[] = []
  for (let at = framingBytes; at < bytes.length; ) {
    const start = at + 4
    const end = start + bytes.readUInt32BE(at)
    if (end > bytes.length) throw new RangeError('compressed bytes end too early')
    blocks.push(decompressBlock(bytes.subarray(start, end)))
    at = end
  }
  return Buffer.concat(blocks)
}

/** The format is `format_description.txt` of google/snappy. */
function decompressBlock(input: Buffer): Buffer {
  let at = 0
  const byte = (): number => {
    const value = input[at++]
    if (value === undefined) throw new RangeError('compressed bytes end too early')
    return value
  }
  const littleEndian = (bytes: number): number => {
    let value = 0
    for (let index = 0; index < bytes; index++) value += byte() * 2 ** (8 * index)
    return value
  }
  let length = 0
  for (let shift = 0, more = true; more; shift += 7) {
    const part = byte()
    length += (part & 0x7f) * 2 ** shift
    more = part >= 0x80
  }
  // An element of three bytes gives 64 at most.
  if (length > input.length * 64) throw new RangeError('compressed bytes promise too much')
  const output = new OutputBuffer(length)
  while (at < input.length) {
    const tag = byte()
    const upper = tag >> 2
    const kind = tag & 0b11
    if (kind === 0) {
      const count = 1 + (upper < 60 ? upper : littleEndian(upper - 59))
      output.append(input, at, at + count)
      at += count
    } else if (kind === 1) output.repeat(((tag >> 5) << 8) + byte(), 4 + (upper & 0b111))
    else output.repeat(littleEndian(kind === 2 ? 2 : 4), 1 + upper)
  }
  if (output.written.length !== length) throw new RangeError('compressed bytes are not as many as they say')
  return output.written
}
