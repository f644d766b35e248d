import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readRecordBatches } from '../../../../src/kafka/platformatic/decoding/record-batches.ts'
import { BatchEncoder } from '../../../../src/kafka/platformatic/encoding/batch-encoder.ts'
import { codecOf } from '../../../../src/kafka/platformatic/encoding/codec.ts'
import { portableCrc32c } from '../../../../src/kafka/platformatic/encoding/crc32c.ts'
import type { Compression } from '../../../../src/transport/compression.ts'
import type { OutgoingRecord } from '../../../../src/transport/publisher.ts'
import { decodedByKafkajs } from './kafkajs-decoder.ts'

afterEach(() => {
  vi.useRealTimers()
})

const identity = { producerId: 7n, epoch: 3, sequence: 41 }
const from = { topic: 't', partition: 0, offset: 0n }

function record(fields: Partial<OutgoingRecord>): OutgoingRecord {
  return { topic: 't', partition: 0, key: null, value: null, headers: [], ...fields }
}

/** The batch of some records, without the four bytes of length before it. */
function encoded(records: readonly OutgoingRecord[], encoder = new BatchEncoder()): Buffer {
  encoder.start()
  const indexes = [...records.keys()]
  const part = { records, indexes, from: 0, to: indexes.length }
  expect(encoder.batch(part, identity, Number.POSITIVE_INFINITY)).toBe(records.length)
  expect(encoder.written.readInt32BE(0)).toBe(encoder.length - 4)
  return Buffer.from(encoder.written.subarray(4))
}

function bytes(content: string | Buffer | null): Buffer | null {
  return typeof content === 'string' ? Buffer.from(content) : content
}

const content = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 200 }),
  // lengths around the borders between widths of a length field, of which the guess by characters is wrong
  fc.integer({ min: 55, max: 70 }).map((length) => 'ä'.repeat(length)),
  fc.integer({ min: 8_150, max: 8_200 }).map((length) => 'x'.repeat(length)),
  fc.integer({ min: 2_700, max: 2_760 }).map((length) => '✓'.repeat(length)),
  fc.constant('\ud800 half a character'),
  fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
)
const headers = fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 20 }), content), { maxLength: 30 })
const records = fc.array(
  fc.record({
    topic: fc.constant('t'),
    partition: fc.constant(0),
    key: fc.option(content),
    value: fc.option(content),
    headers,
  }),
  { minLength: 1, maxLength: 90 },
)

describe('a record batch', () => {
  test('has the bytes of Kafka’s message format 2', () => {
    vi.useFakeTimers({ now: 0x0102_0304_0506 })
    const batch = encoded([
      record({ key: 'k', value: 'ä', headers: [['h', 'v']] }),
      record({ key: null, value: null }),
    ])
    expect(batch.toString('hex')).toBe(
      [
        '0000000000000000', // first offset: the broker’s to give
        '00000046', // bytes behind this
        'ffffffff', // epoch of the leader: the broker’s to give
        '02', // format
        'd0c71369', // checksum
        '0000', // attributes
        '00000001', // offset of the last record
        '0000010203040506',
        '0000010203040506',
        '0000000000000007', // producer
        '0003',
        '00000029', // sequence
        '00000002', // records
        '1a 00 00 00 026b 04c3a4 02 0268 0276',
        '0c 00 00 02 01 01 00',
      ]
        .join('')
        .replaceAll(' ', ''),
    )
    expect(batch.readUInt32BE(17)).toBe(portableCrc32c(batch.subarray(21)))
  })

  test('is read by kafkajs and by ourselves, whatever is in it', async () => {
    await fc.assert(
      fc.asyncProperty(records, async (sent) => {
        const batch = encoded(sent)
        expect(batch.readUInt32BE(17)).toBe(portableCrc32c(batch.subarray(21)))
        const own = readRecordBatches(batch, from, [])
        expect(own.nextOffset).toBe(BigInt(sent.length))
        for (const [index, { key, value, headers: list }] of sent.entries()) {
          const received = own.records[index]!
          expect(received.key).toEqual(bytes(key))
          expect(received.value).toEqual(bytes(value))
          expect(received.headers).toEqual(list.map(([name, it]) => [name.toWellFormed(), bytes(it)]))
        }
        // kafkajs groups headers in an object, which cannot hold every name
        const plain = sent.map((it) => ({ ...it, headers: [] }))
        const theirs = await decodedByKafkajs(encoded(plain))
        expect(theirs).toMatchObject({ producerId: '7', producerEpoch: 3, firstSequence: 41 })
        expect(theirs.records.map(({ key, value, offset }) => ({ key, value, offset }))).toEqual(
          plain.map((it, index) => ({ key: bytes(it.key), value: bytes(it.value), offset: String(index) })),
        )
      }),
      { numRuns: 150 },
    )
  })

  test('has headers that kafkajs reads: names twice, empty ones, many', async () => {
    const list = [
      ['id', '0190c3a0'],
      ['twice', 'one'],
      ['twice', 'two'],
      ['grüße', 'wert ✓'],
      ...Array.from({ length: 200 }, (_, n) => [`n-${n}`, String(n)] as const),
    ] as const
    const [read] = (await decodedByKafkajs(encoded([record({ headers: list })]))).records
    expect(read?.headers).toMatchObject({
      id: Buffer.from('0190c3a0'),
      twice: [Buffer.from('one'), Buffer.from('two')],
      grüße: Buffer.from('wert ✓'),
      'n-199': Buffer.from('199'),
    })
  })

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] satisfies Compression[])(
    'is smaller when compressed with %s, and reads the same',
    (compression) => {
      const sent = Array.from({ length: 300 }, (_, n) =>
        record({ key: `key-${n}`, value: 'same '.repeat(50) }),
      )
      const batch = encoded(sent, new BatchEncoder(codecOf(compression)))
      expect(batch.length).toBeLessThan(encoded(sent).length / 5)
      const { records: read } = readRecordBatches(batch, from, [])
      expect(read.map(({ key, value }) => [String(key), String(value)])).toEqual(
        sent.map(({ key, value }) => [key, value]),
      )
    },
  )

  test('takes no more records than fit, but always one', () => {
    const sent = Array.from({ length: 10 }, (_, n) => record({ key: String(n), value: 'ä'.repeat(500) }))
    const encoder = new BatchEncoder()
    encoder.start()
    const ends: number[] = []
    let start = 0
    while (start < 10) {
      const before = encoder.length
      start = encoder.batch(
        { records: sent, indexes: [...sent.keys()], from: start, to: 10 },
        identity,
        3_200,
      )
      expect(encoder.length - before).toBeLessThanOrEqual(3_204)
      ends.push(start)
    }
    expect(ends).toEqual([3, 6, 9, 10])
    expect(encoder.batch({ records: sent, indexes: [4], from: 0, to: 1 }, identity, 10)).toBe(1)
  })

  test('lets go of the memory that one huge record took', () => {
    const encoder = new BatchEncoder()
    const write = (value: string): void => {
      encoder.start()
      encoder.batch({ records: [record({ value })], indexes: [0], from: 0, to: 1 }, identity, 1)
    }
    write('x'.repeat(20_000_000))
    const { buffer } = encoder.written
    expect(buffer.byteLength).toBeGreaterThan(20_000_000)
    for (let n = 0; n < 1_003; n++) write('small')
    expect(encoder.written.buffer.byteLength).toBeLessThan(1_000_000)
  })
})
