import { describe, expect, test } from 'vitest'
import type { Codec } from '../../../src/message/codec.ts'
import { jsonCodec } from '../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../src/message/limits.ts'
import type { Message, MessageContext } from '../../../src/message/message.ts'
import { type OutboxRow, outboxRowOf } from '../../../src/outbox/outbox-row.ts'
import { codeThrownBy } from '../thrown-code.ts'

const id = '018f2b6e-7c3a-7d10-9a5b-0123456789ab'
const message: Message = {
  id,
  aggregateType: 'order',
  key: 'o-1',
  type: 'order.placed',
  version: 2,
  body: { total: 4_200 },
  headers: {},
  context: {},
}
const rowOf = (change: Partial<Message>, codec: Codec = jsonCodec): OutboxRow =>
  outboxRowOf({ ...message, ...change }, codec, defaultBodyLimits)
const refusal = (change: object, codec?: Codec): string | undefined =>
  codeThrownBy(() => rowOf(change, codec))

const saga = { id, name: 'place-order', step: 'reserve', round: 1, direction: 'do', attempt: 1 } as const

describe('the row of a message', () => {
  test('has what Debezium’s router needs; what is not said is left to the columns’ defaults', () => {
    expect(rowOf({})).toEqual({
      id,
      aggregatetype: 'order',
      aggregateid: 'o-1',
      type: 'order.placed',
      version: 2,
      payload: '{"total":4200}',
    })
  })

  test('has a column for each part of the context', () => {
    const context: Required<MessageContext> = {
      correlationId: 'c-1',
      causationId: id,
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      tracestate: 'a=1',
      saga,
      replyTo: 'orchestrator.reply',
      outcome: 'ok',
      expiresAtUs: 1_732_434_600_000_000n,
    }
    expect(rowOf({ context, headers: { tenant: 'acme' } })).toMatchObject({
      headers: { tenant: 'acme' },
      correlation_id: 'c-1',
      causation_id: id,
      traceparent: context.traceparent,
      tracestate: 'a=1',
      saga_id: id,
      saga_name: 'place-order',
      saga_step: 'reserve',
      saga_round: 1,
      saga_direction: 'do',
      saga_attempt: 1,
      reply_to: 'orchestrator.reply',
      outcome: 'ok',
      expires_at_us: '1732434600000000',
    })
  })

  test('of a tombstone has no payload at all', () => {
    const row = rowOf({ body: null })
    expect(row).not.toHaveProperty('payload')
    expect(row).not.toHaveProperty('payload_binary')
    expect(row).not.toHaveProperty('content_type')
  })

  test('keeps texts that JSON escapes: NUL and lone surrogates inside a body', () => {
    expect(rowOf({ body: 'a\0\ud800' }).payload).toBe(String.raw`"a\u0000\ud800"`)
  })
})

describe('a codec', () => {
  const bytes = Buffer.from([0, 0xff, 0xfe, 0x80])
  const binary: Codec = { contentType: 'application/avro', encode: () => bytes, decode: () => undefined }
  const text = (encoded: string): Codec => ({
    contentType: 'text/xml',
    encode: () => encoded,
    decode: () => undefined,
  })

  test('that gives bytes fills the binary column, and its content type travels along', () => {
    expect(rowOf({}, binary)).toMatchObject({
      payload_binary: bytes.toString('base64'),
      content_type: 'application/avro',
    })
    expect(rowOf({}, binary)).not.toHaveProperty('payload')
  })

  test('may give no byte at all, which is not a tombstone', () => {
    expect(rowOf({}, { ...binary, encode: () => Buffer.alloc(0) }).payload_binary).toBe('')
  })

  test('that gives another text than JSON has no depth of brackets', () => {
    const xml = `<a>${'['.repeat(100)}</a>`
    expect(rowOf({}, text(xml))).toMatchObject({ payload: xml, content_type: 'text/xml' })
  })

  test.each(['a\0b', '\ud800'])('must not give a text that Postgres refuses: %j', (encoded) => {
    expect(refusal({}, text(encoded))).toBe('MESSAGE_INVALID')
  })

  test('may give 900,000 bytes and no more', () => {
    const sized = (length: number): Codec => ({ ...binary, encode: () => Buffer.alloc(length) })
    expect(refusal({}, sized(900_000))).toBeUndefined()
    expect(refusal({}, sized(900_001))).toBe('MESSAGE_TOO_LARGE')
    expect(refusal({}, text('é'.repeat(450_001)))).toBe('MESSAGE_TOO_LARGE')
  })
})

describe('a body', () => {
  test('of 10 MB, or nested 10,000 deep, is too large', () => {
    expect(refusal({ body: 'x'.repeat(10_000_000) })).toBe('MESSAGE_TOO_LARGE')
    let nested: unknown = 0
    for (let i = 0; i < 10_000; i++) nested = { nested }
    expect(refusal({ body: nested })).toBe('MESSAGE_TOO_LARGE')
  })

  test.each<[string, unknown]>([
    ['a bigint', { total: 1n }],
    ['undefined', undefined],
    ['a function', () => 1],
  ])('of %s is refused', (_, body) => {
    expect(refusal({ body })).toBe('MESSAGE_INVALID')
  })

  test('of 100,000 keys passes while its bytes do', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [i.toString(36), 0]))
    expect(refusal({ body: wide })).toBe(
      JSON.stringify(wide).length > 900_000 ? 'MESSAGE_TOO_LARGE' : undefined,
    )
  })
})

describe('is refused, so that the transaction stays usable:', () => {
  test.each<[string, object]>([
    ['an id that is no UUID', { id: 'order-1' }],
    ['an empty id', { id: '' }],
    ['an id with a line break', { id: `${id}\n` }],
    ['no id', { id: undefined }],
    ['an empty key', { key: '' }],
    ['a key with NUL', { key: 'a\0' }],
    ['a key with a lone surrogate', { key: '\ud800' }],
    ['a key of 64 kB', { key: 'x'.repeat(65_536) }],
    ['a key that is no text', { key: 7 }],
    ['an empty aggregate type', { aggregateType: '' }],
    ['an aggregate type of two dots', { aggregateType: '..' }],
    ['an aggregate type too long for a topic', { aggregateType: 'x'.repeat(250) }],
    ['an aggregate type with a space', { aggregateType: 'a b' }],
    ['an empty type', { type: '' }],
    ['a type with NUL', { type: 'a\0' }],
    ['a type that is no text', { type: undefined }],
    ['a version that is no whole number', { version: 1.5 }],
    ['a version that is no number', { version: Number.NaN }],
    ['a version beyond an integer column', { version: 2 ** 31 }],
    ['a version as a text', { version: '01' }],
    ['a correlation id with NUL', { context: { correlationId: 'a\0' } }],
    ['a causation id with a lone surrogate', { context: { causationId: '\udfff' } }],
    ['a correlation id that is no text', { context: { correlationId: 7 } }],
    ['a saga without a UUID', { context: { saga: { ...saga, id: 's-1' } } }],
    ['a saga’s step with NUL', { context: { saga: { ...saga, step: '\0' } } }],
    ['a round below nothing', { context: { saga: { ...saga, round: -1 } } }],
    ['an attempt that is infinite', { context: { saga: { ...saga, attempt: Infinity } } }],
    ['a direction of its own', { context: { saga: { ...saga, direction: 'back' } } }],
    ['an expiry before 1970', { context: { expiresAtUs: -1n } }],
    ['an expiry in the year 275760', { context: { expiresAtUs: 8_640_000_000_000_000_000n } }],
    ['an expiry that is no whole number', { context: { expiresAtUs: 1.5 } }],
    ['a header without a name', { headers: { '': 'x' } }],
    ['a header of ours', { headers: { id: 'x' } }],
    ['a header of ours that is not set', { headers: { 'saga-id': 'x' } }],
    ['a header with NUL', { headers: { tenant: 'a\0' } }],
    ['a header’s name with NUL', { headers: { 'a\0': 'x' } }],
    ['a header with a lone surrogate', { headers: { tenant: '\ud800' } }],
    ['a header that is a number', { headers: { tenant: 7 } }],
    ['a header that is undefined', { headers: { tenant: undefined } }],
    ['a header that is a list', { headers: { tenant: ['a', 'b'] } }],
  ])('%s', (_, change) => {
    expect(refusal(change)).toBe('MESSAGE_INVALID')
  })

  test.each([undefined, null, 'order.placed', 7])('%s instead of a message', (value) => {
    expect(codeThrownBy(() => outboxRowOf(value as never, jsonCodec, defaultBodyLimits))).toBe(
      'MESSAGE_INVALID',
    )
  })

  test('and the error shows no more than 80 characters of what it refuses', () => {
    expect(() => rowOf({ id: `\0${'x'.repeat(1_000)}` })).toThrow(/the id cannot be "\\u0000x{79}"\./)
  })
})

describe('headers', () => {
  test('may hold line breaks, any writing, and a name that is a property of all objects', () => {
    const headers = JSON.parse(
      '{"a":"x\\r\\nid: y","größe":"😀","constructor":"c","__proto__":"p"}',
    ) as Record<string, string>
    const row = rowOf({ headers })
    expect(JSON.parse(JSON.stringify(row.headers))).toEqual(headers)
    expect(Object.keys(row.headers ?? {})).toContain('__proto__')
  })

  test('may be 1,000', () => {
    const headers = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`h${i}`, String(i)]))
    expect(Object.keys(rowOf({ headers }).headers ?? {})).toHaveLength(1_000)
  })

  test('that would not fit into Kafka’s limit beside a body of the largest size are too large', () => {
    expect(refusal({ headers: { blob: 'x'.repeat(99_000) } })).toBeUndefined()
    expect(refusal({ headers: { blob: 'x'.repeat(100_000) } })).toBe('MESSAGE_TOO_LARGE')
    expect(refusal({ context: { correlationId: 'é'.repeat(50_000) } })).toBe('MESSAGE_TOO_LARGE')
  })
})

test('an invalid trace context is dropped: it is no reason to refuse a message', () => {
  expect(rowOf({ context: { traceparent: '00-\0', tracestate: 'a=1' } })).toEqual(rowOf({}))
  expect(rowOf({ context: { traceparent: 7 as never } })).toEqual(rowOf({}))
})
