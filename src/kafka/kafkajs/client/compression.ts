import kafkajs, { type CompressionTypes } from 'kafkajs'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { BackstitchError, reasonOf } from '../../../kernel/errors.ts'
import type { Compression } from '../../../transport/compression.ts'

/** Numbers of kafkajs’s `CompressionTypes`. */
const types = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const satisfies Record<Compression, CompressionTypes>

/**
 * What kafkajs calls a compression. It brings gzip; zstd is Node’s (22.15 or newer) and registered here, unless the application has its own;
 * snappy and lz4 are there once the application has registered a codec with `kafkajs.CompressionCodecs`.
 * @throws `CONFIG_INVALID` where there is no codec
 */
export function compressionType(compression: Compression): CompressionTypes {
  registerZstd()
  const type = types[compression]
  try {
    kafkajs.CompressionCodecs[type]()
    return type
  } catch (cause) {
    throw new BackstitchError('CONFIG_INVALID', `compression: kafkajs: ${reasonOf(cause)}`, { cause })
  }
}

/** So that members read what others compressed with zstd, too. */
export function registerZstd(): void {
  const { CompressionCodecs } = kafkajs
  if (typeof zlib.zstdCompress !== 'function') return
  try {
    CompressionCodecs[types.zstd]()
  } catch {
    // kafkajs’s own says that it is not implemented
    CompressionCodecs[types.zstd] = () => zstd
  }
}

const zstd = {
  compress: ({ buffer }: { readonly buffer: Buffer }): Promise<Buffer> =>
    promisify(zlib.zstdCompress)(buffer),
  decompress: (bytes: Buffer): Promise<Buffer> => promisify(zlib.zstdDecompress)(bytes),
}
