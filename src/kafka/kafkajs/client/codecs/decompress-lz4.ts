import { OutputBuffer } from './output-buffer.ts'

const frameMagic = 0x184d2204
const blockChecksumBit = 0b1_0000
const contentSizeBit = 0b1000
const contentChecksumBit = 0b100
const dictionaryBit = 0b1
const isPlainBit = 0x8000_0000

/**
 * Undoes LZ4 in its frame format, as all Kafka clients write it since Kafka 0.10. Checksums within are passed over, since Kafka has its own.
 * @throws `RangeError` for bytes that are no LZ4
 */
export function decompressLz4(bytes: Buffer): Buffer {
  const output = new OutputBuffer(bytes.length * 3)
  for (let at = 0; at < bytes.length; ) at = readFrame(bytes, at, output)
  return output.written
}

/** The format is `lz4_Frame_format.md` of lz4/lz4. Gives where the frame ends. */
function readFrame(bytes: Buffer, start: number, output: OutputBuffer): number {
  if (bytes.readUInt32LE(start) !== frameMagic) throw new RangeError('the bytes are no frame of LZ4')
  const flags = bytes.readUInt8(start + 4)
  let at = start + 7 + (flags & contentSizeBit ? 8 : 0) + (flags & dictionaryBit ? 4 : 0)
  for (;;) {
    const size = bytes.readUInt32LE(at)
    at += 4
    if (size === 0) return at + (flags & contentChecksumBit ? 4 : 0)
    const end = at + (size & ~isPlainBit)
    if (size & isPlainBit) output.append(bytes, at, end)
    else {
      if (end > bytes.length) throw new RangeError('compressed bytes end too early')
      readBlock(bytes.subarray(at, end), output)
    }
    at = end + (flags & blockChecksumBit ? 4 : 0)
  }
}

/** The format is `lz4_Block_format.md`: literals, and then a repetition, except for the last sequence. */
function readBlock(input: Buffer, output: OutputBuffer): void {
  let at = 0
  const longer = (count: number): number => {
    if (count < 15) return count
    let sum = count
    let part: number
    do {
      part = input.readUInt8(at++)
      sum += part
    } while (part === 255)
    return sum
  }
  while (at < input.length) {
    const token = input.readUInt8(at++)
    const literals = longer(token >> 4)
    output.append(input, at, at + literals)
    at += literals
    if (at >= input.length) return
    const distance = input.readUInt16LE(at)
    at += 2
    output.repeat(distance, longer(token & 0xf) + 4)
  }
}
