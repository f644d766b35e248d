import { expect, test } from 'vitest'
import { z } from 'zod'
import { recordId } from '../../../src/inbox/record-id.ts'
import { recordReader, type RecordReading, type Route } from '../../../src/inbox/record-reader.ts'
import { type Codec, jsonCodec } from '../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../src/message/limits.ts'
import { messageHeaders, recordWith } from './records.ts'

const id = '0197c5a0-0000-7000-8000-000000000001'
const placed: Route<string> = {
  topic: 'outbox.event.order',
  aggregateType: 'order',
  type: 'order.placed',
  version: 1,
  schema: z.object({ orderId: z.string(), total: z.int() }),
  takesTombstones: false,
  target: 'placed',
}
const shipped: Route<string> = {
  ...placed,
  type: 'order.shipped',
  schema: z.object({ orderId: z.string() }),
  target: 'shipped',
}

function readerOf(
  routes: readonly Route<string>[],
  options: { unrouted?: 'skip' | 'refuse'; codec?: Codec; bytesMax?: number } = {},
) {
  return recordReader(routes, {
    codec: options.codec ?? jsonCodec,
    limits: { ...defaultBodyLimits, bytesMax: options.bytesMax ?? 10_000 },
    unrouted: options.unrouted ?? 'skip',
  })
}

function codeOf(reading: RecordReading<string>): string {
  return reading.kind === 'unreadable' ? reading.error.code : reading.kind
}

const good = { orderId: 'o1', total: 5 }

test('a message is read with its body, headers, context and place', () => {
  const record = recordWith({
    partition: 3,
    offset: 42n,
    key: 'o1',
    value: good,
    headers: {
      id: id.toUpperCase(),
      type: 'order.placed',
      version: '1',
      'created-at': '1780000000000001',
      'correlation-id': 'c1',
      tenant: 'acme',
    },
  })
  expect(readerOf([placed])(record)).toEqual({
    kind: 'message',
    target: 'placed',
    message: {
      id,
      aggregateType: 'order',
      key: 'o1',
      type: 'order.placed',
      version: 1,
      body: good,
      headers: Object.assign(Object.create(null), { tenant: 'acme' }),
      context: { correlationId: 'c1' },
      topic: 'outbox.event.order',
      partition: 3,
      offset: 42n,
      createdAtUs: 1_780_000_000_000_001n,
    },
  })
})

test('types and versions that nobody wants are passed over, whatever else is wrong with them', () => {
  const read = readerOf([placed])
  expect(codeOf(read(recordWith({ value: good, headers: messageHeaders('order.cancelled') })))).toBe(
    'skipped',
  )
  expect(
    codeOf(read(recordWith({ value: good, headers: messageHeaders('order.placed', { version: '2' }) }))),
  ).toBe('skipped')
  expect(codeOf(read(recordWith({ headers: { id: 'no uuid', type: 'order.cancelled' } })))).toBe('skipped')
})

test('where all is for the group, a type without a handler is refused', () => {
  const read = readerOf([placed], { unrouted: 'refuse' })
  expect(codeOf(read(recordWith({ value: good, headers: messageHeaders('order.cancelled') })))).toBe(
    'HANDLER_MISSING',
  )
  expect(codeOf(read(recordWith({ headers: messageHeaders('order.placed') })))).toBe('MESSAGE_MALFORMED')
})

test('the wire of Debezium’s router without settings, only an id, is read where one kind of message is expected', () => {
  const record = recordWith({ value: good, headers: { id } })
  expect(readerOf([placed])(record)).toMatchObject({
    kind: 'message',
    message: { id, type: 'order.placed', version: 1 },
  })
  expect(readerOf([placed, shipped])(record)).toMatchObject({
    kind: 'unreadable',
    id,
    error: { code: 'MESSAGE_MALFORMED' },
  })
})

test('a record without an id gets one from its place, the same at each delivery', () => {
  const at = { topic: 'outbox.event.order', partition: 1, offset: 7n, timestampMs: 1_780_000_000_000 }
  const record = recordWith({ ...at, value: good, headers: { type: 'order.placed' } })
  const reading = readerOf([placed])(record)
  expect(reading).toMatchObject({ kind: 'message', message: { id: recordId(at) } })
  expect(recordId(at)).toMatch(/^019e7044-8800-8/) // begins with the record’s time, as the inbox is partitioned by it
  const others = [
    { ...at, partition: 2 },
    { ...at, offset: 8n },
    { ...at, topic: 'outbox.event.orders' },
  ]
  expect(new Set([at, ...others].map(recordId)).size).toBe(4)
  expect(recordId({ ...at, timestampMs: -1 })).toMatch(/^00000000-0000-8/)
})

test.each([
  ['bytes that are no JSON', { value: Buffer.from('{"orderId":') }],
  ['bytes that are no UTF-8', { value: Buffer.from([0x22, 0xff, 0x22]) }],
  ['a body that does not fit its contract', { value: { orderId: 'o1', total: 'much' } }],
  ['an id that is no UUID', { value: good, headers: { id: '17', type: 'order.placed' } }],
  ['a version that is no number', { value: good, headers: { id, type: 'order.placed', version: 'one' } }],
  [
    'another content type',
    { value: good, headers: { id, type: 'order.placed', 'content-type': 'application/avro' } },
  ],
])('%s make a record unreadable', (_, record) => {
  const reading = readerOf([placed])(recordWith({ headers: messageHeaders('order.placed'), ...record }))
  expect(codeOf(reading)).toBe('MESSAGE_MALFORMED')
})

test('the reason names the field', () => {
  const reading = readerOf([placed])(
    recordWith({ value: { orderId: 'o1', total: 1.5 }, headers: messageHeaders('order.placed') }),
  )
  expect(reading).toMatchObject({ kind: 'unreadable', type: 'order.placed' })
  expect(reading.kind === 'unreadable' && reading.error.message).toContain('order.placed v1: total: ')
})

test('size and depth are checked before anything is parsed', () => {
  let decoded = 0
  const codec: Codec = { ...jsonCodec, decode: (bytes, owner) => (decoded++, jsonCodec.decode(bytes, owner)) }
  const read = readerOf([placed], { codec, bytesMax: 1_000 })
  const headers = messageHeaders('order.placed')
  expect(codeOf(read(recordWith({ value: 'x'.repeat(1_000), headers })))).toBe('MESSAGE_TOO_LARGE')
  expect(codeOf(read(recordWith({ value: Buffer.from('['.repeat(900)), headers })))).toBe('MESSAGE_TOO_LARGE')
  expect(decoded).toBe(0)
  expect(codeOf(read(recordWith({ value: good, headers })))).toBe('message')
  expect(decoded).toBe(1)
})

test('a content type may have parameters', () => {
  const headers = messageHeaders('order.placed', { 'content-type': 'Application/JSON; charset=utf-8' })
  expect(codeOf(readerOf([placed])(recordWith({ value: good, headers })))).toBe('message')
})

test('tombstones go to a handler that takes them, and are passed over else', () => {
  const withType = recordWith({ headers: messageHeaders('order.placed') })
  const bare = recordWith({})
  const takes = { ...placed, takesTombstones: true }
  expect(codeOf(readerOf([placed])(withType))).toBe('skipped')
  expect(codeOf(readerOf([placed, shipped])(bare))).toBe('skipped')
  expect(readerOf([takes])(withType)).toMatchObject({ kind: 'message', message: { body: null } })
  expect(readerOf([takes, shipped])(bare)).toMatchObject({
    kind: 'message',
    message: { body: null, type: 'order.placed' },
  })
  expect(codeOf(readerOf([takes, { ...shipped, takesTombstones: true }])(bare))).toBe('MESSAGE_MALFORMED')
})

test('topics are told apart', () => {
  const read = readerOf([placed, { ...shipped, topic: 'outbox.event.parcel', aggregateType: 'parcel' }])
  const record = recordWith({ topic: 'outbox.event.parcel', value: { orderId: 'o1' }, headers: { id } })
  expect(read(record)).toMatchObject({ kind: 'message', target: 'shipped' })
})

test('a body of null is none of a deleted key, whatever the schema allows', () => {
  const lax = { ...placed, schema: placed.schema.nullable(), takesTombstones: true }
  const record = recordWith({ value: Buffer.from('null'), headers: messageHeaders('order.placed') })
  expect(codeOf(readerOf([lax])(record))).toBe('MESSAGE_MALFORMED')
})
