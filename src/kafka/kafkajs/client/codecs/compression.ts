import kafkajs, { type CompressionTypes } from 'kafkajs'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { BackstitchError, reasonOf } from '../../../../kernel/errors.ts'
import type { Compression } from '../../../../transport/compression.ts'
import { decompressLz4 } from './decompress-lz4.ts'
import { decompressSnappy } from './decompress-snappy.ts'

/** A codec as kafkajs takes it. */
type KafkajsCodec = {
  readonly compress: (encoder: { readonly buffer: Buffer }) => Promise<Buffer>
  readonly decompress: (bytes: Buffer) => Promise<Buffer>
}

/** Numbers of kafkajs’s `CompressionTypes`. */
const types = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const satisfies Record<Compression, CompressionTypes>

/**
 * What kafkajs calls a compression. It brings gzip; zstd is Node’s (22.15 or newer) and registered here, unless the application has its own;
 * snappy and lz4 can be written once the application has registered a codec with `kafkajs.CompressionCodecs`.
 * @throws `CONFIG_INVALID` where there is no codec that compresses
 */
export function compressionType(compression: Compression): CompressionTypes {
  registerCodecs()
  const type = types[compression]
  try {
    if (onlyReads.has(kafkajs.CompressionCodecs[type]()))
      throw new Error(`it has no codec for ${compression}`)
    return type
  } catch (cause) {
    throw new BackstitchError('CONFIG_INVALID', `compression: kafkajs: ${reasonOf(cause)}`, { cause })
  }
}

/**
 * So that members read whatever others have compressed: a member without the codec could neither read a batch nor pass it over, and its
 * partition would stand still. Codecs of the application stay.
 */
export function registerCodecs(): void {
  register(types.snappy, snappy)
  register(types.lz4, lz4)
  if (typeof zlib.zstdCompress === 'function') register(types.zstd, zstd)
}

function register(type: (typeof types)[Compression], codec: KafkajsCodec): void {
  const { CompressionCodecs } = kafkajs
  try {
    CompressionCodecs[type]()
  } catch {
    // kafkajs’s own says that it is not implemented
    CompressionCodecs[type] = () => codec
  }
}

const zstd: KafkajsCodec = {
  compress: ({ buffer }) => promisify(zlib.zstdCompress)(buffer),
  decompress: (bytes) => promisify(zlib.zstdDecompress)(bytes),
}
const snappy = readingWith(decompressSnappy)
const lz4 = readingWith(decompressLz4)
const onlyReads: ReadonlySet<unknown> = new Set([snappy, lz4])

function readingWith(decompress: (bytes: Buffer) => Buffer): KafkajsCodec {
  return {
    compress: () =>
      Promise.reject(new BackstitchError('CONFIG_INVALID', 'compression: this codec only reads')),
    // a throw becomes a rejection
    decompress: async (bytes) => decompress(bytes),
  }
}
