import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { recordBytesMax, writeRecord } from '../../../../src/kafka/platformatic/encoding/record-encoder.ts'
import { partitionOfRow } from '../../../../src/relay/record/partition-of-row.ts'
import { recordOfRow } from '../../../../src/relay/record/record-of-row.ts'
import { at, type OutboxColumn, valueAt } from '../../../../src/relay/source/outbox-tuple.ts'
import { PackedTuple } from '../../../../src/relay/source/packed-tuple.ts'
import type { OutgoingRecord } from '../../../../src/transport/publisher.ts'
import { rowOf } from '../rows.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const packedColumns = (Object.keys(at) as OutboxColumn[]).filter((column) => column !== 'oversize')

/** The row as a copy brings it, among other bytes. */
function packed(row: readonly (string | null)[]): PackedTuple {
  const fields = packedColumns.flatMap((column) => {
    const text = row[at[column]] ?? null
    const content =
      text === null
        ? undefined
        : column === 'payload_binary'
          ? Buffer.from(text.slice(2), 'hex')
          : Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeInt32BE(content?.length ?? -1)
    return content === undefined ? [length] : [length, content]
  })
  const bytes = Buffer.concat([Buffer.from('before'), ...fields, Buffer.from('behind')])
  return new PackedTuple(bytes, 6, bytes.length - 6)
}

function written(record: OutgoingRecord): Buffer {
  const buffer = Buffer.alloc(recordBytesMax(record) + 20)
  return buffer.subarray(3, writeRecord(buffer, 3, record, 1_234))
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 40, maxLength: 300 }),
  fc.constant(''),
)
const time = fc.oneof(
  fc.constantFrom('Infinity', '-Infinity', '0', '-17', '99.5', '1e-06', '100.000001'),
  fc.integer({ min: 100, max: 4_000_000_000 }).map(String),
  fc
    .tuple(fc.integer({ min: 100, max: 4_000_000_000 }), fc.integer({ min: 0, max: 999_999 }))
    .map(([seconds, fraction]) => `${seconds}.${String(fraction).padStart(6, '0')}`.replace(/0+$/, '1')),
)
const rows = fc
  .record(
    {
      aggregateid: text,
      payload: fc.option(text),
      headers: fc.option(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string()).map((it) => JSON.stringify(it)),
        { freq: 3 },
      ),
      type: text,
      version: fc.integer({ min: 0 }).map(String),
      created_at: time,
      expires_at: fc.option(time),
      content_type: fc.option(text),
      traceparent: fc.option(text),
      saga_round: fc.option(fc.nat().map(String)),
      outcome: fc.option(text),
    },
    { requiredKeys: [] },
  )
  .map((values) => rowOf(values))
const binaryRows = fc
  .uint8Array({ maxLength: 3_000 })
  .map((bytes) => rowOf({ payload: null, payload_binary: `\\x${Buffer.from(bytes).toString('hex')}` }))

test('a packed row is published as the same row in texts, byte for byte', () => {
  fc.assert(
    fc.property(fc.oneof(rows, binaryRows), fc.boolean(), (row, sequenceHeader) => {
      const tuple = packed(row)
      for (const column of packedColumns) expect(valueAt(tuple, column)).toBe(row[at[column]] ?? null)
      expect(partitionOfRow(tuple, 6)).toBe(partitionOfRow(row, 6))
      const [record, plain] = [tuple, row].map((it) => recordOfRow(it, 't', 5, sequenceHeader))
      if (!record || !plain) throw new Error('there are two')
      expect(written(record)).toEqual(written(plain))
      expect(record).toMatchObject({ topic: 't', partition: 5, key: plain.key })
      expect(record.headers).toEqual(plain.headers)
      expect(record.value).toEqual(plain.value === null ? null : Buffer.from(plain.value as string))
    }),
    { seed, numRuns: 400 },
  )
})

test('what is asked of a record may be kept when its page is gone', () => {
  const tuple = packed(rowOf({ payload: 'a body' }))
  const { value } = recordOfRow(tuple, 't', 0)
  tuple.bytes.fill(0)
  expect(String(value)).toBe('a body')
})

test('a column is compared without reading it', () => {
  const tuple = packed(rowOf({ aggregatetype: 'order' }))
  expect(['order', 'orde', 'orders', 'Order'].map((type) => tuple.is(at.aggregatetype, type))).toEqual([
    true,
    false,
    false,
    false,
  ])
})
