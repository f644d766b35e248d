import { compressionsAlgorithms } from '@platformatic/kafka'
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decompressLz4 } from '../../../../src/kafka/kafkajs/client/codecs/decompress-lz4.ts'
import { decompressSnappy } from '../../../../src/kafka/kafkajs/client/codecs/decompress-snappy.ts'

// The other driver’s library compresses by an implementation of its own.
const codecs = {
  snappy: { compress: compressionsAlgorithms.snappy.compressSync, decompress: decompressSnappy },
  lz4: { compress: compressionsAlgorithms.lz4.compressSync, decompress: decompressLz4 },
}

/** Words of a small vocabulary: many repetitions, near and far. */
function prose(length: number): Buffer {
  const words = [
    'order',
    'placed',
    'by',
    'nobody',
    'in',
    'particular',
    '🧵',
    '\0',
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  ]
  let text = ''
  while (text.length < length) text += `${words[randomBytes(1).readUInt8() % words.length]} `
  return Buffer.from(text.slice(0, length))
}

const samples: readonly (readonly [string, Buffer])[] = [
  ['one byte', Buffer.from('a')],
  ['a short text', Buffer.from('order placed')],
  ['one byte many times', Buffer.alloc(300_000, 7)],
  ['a pair many times', Buffer.from('ab'.repeat(70_000))],
  ['bytes without a pattern', randomBytes(200_000)],
  ['prose', prose(500_000)],
  ['prose and noise', Buffer.concat([prose(70_000), randomBytes(70_000), prose(70_000)])],
  ...Array.from({ length: 40 }, (_, n) => [`prose of ${n + 2}`, prose(n + 2)] as const),
]

describe.each(Object.entries(codecs))('%s', (_, { compress, decompress }) => {
  test.each(samples)('gives %s back', (_name, bytes) => {
    expect(decompress(compress(bytes)).equals(bytes)).toBe(true)
  })

  test('refuses what is cut off anywhere, and never gives the wrong bytes for it', () => {
    const bytes = prose(3_000)
    const compressed = compress(bytes)
    for (let length = 1; length < compressed.length - 8; length += 3)
      expect(() => decompress(compressed.subarray(0, length))).toThrow(RangeError)
  })

  test('ends, whatever it is given', () => {
    const compressed = compress(prose(2_000))
    for (let n = 0; n < 3_000; n++) {
      const damaged = Buffer.from(compressed)
      damaged[randomBytes(2).readUInt16LE() % damaged.length] = randomBytes(1).readUInt8()
      try {
        expect(decompress(damaged).length).toBeLessThan(64 * 1_024 * 1_024)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(RangeError)
      }
    }
  })
})

test('blocks of the Java client stand one behind the other in a frame', () => {
  const blocks = [Buffer.from('first '), Buffer.from('second')]
  const framed = blocks.flatMap((block) => {
    // bare: one literal, the length twice
    const bare = Buffer.concat([Buffer.from([block.length, (block.length - 1) << 2]), block])
    const size = Buffer.alloc(4)
    size.writeUInt32BE(bare.length)
    return [size, bare]
  })
  const head = Buffer.from('82534e41505059000000000100000001', 'hex')
  expect(decompressSnappy(Buffer.concat([head, ...framed])).toString()).toBe('first second')
})
