import { compressionsAlgorithms } from '@platformatic/kafka'
import type { Compression } from '../../../transport/compression.ts'

/** How the records of a batch are compressed. */
export type Codec = {
  /** As a batch’s attributes name it. */
  readonly bits: number
  compress(bytes: Buffer): Buffer
}

/** Leaves the bytes as they are. */
export const noCodec: Codec = { bits: 0, compress: (bytes) => bytes }

/** The library’s codecs: gzip and zstd are Node’s own, snappy and lz4 WebAssembly. */
export function codecOf(compression: Compression | undefined): Codec {
  if (compression === undefined) return noCodec
  const algorithm = compressionsAlgorithms[compression]
  return { bits: algorithm.bitmask, compress: (bytes) => algorithm.compressSync(bytes) }
}

/** Undoes what the attributes of a batch name. @throws `RangeError` for a codec that Kafka does not have */
export function decompressed(bits: number, bytes: Buffer): Buffer {
  if (bits === 0) return bytes
  const algorithm = Object.values(compressionsAlgorithms).find(({ bitmask }) => bitmask === bits)
  if (algorithm === undefined) throw new RangeError(`there is no compression ${bits}`)
  return algorithm.decompressSync(bytes)
}
