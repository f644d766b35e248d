import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type WireHeaders, isReservedHeader, readWireHeaders } from '../../../src/message/wire-headers.ts'
import { codeThrownBy } from '../thrown-code.ts'

const id = '018f2b6e-7c3a-7d10-9a5b-0123456789ab'
const sagaId = '018f2b6e-7c3a-7d10-9a5b-ba9876543210'

const names = [
  'id',
  'type',
  'version',
  'content-type',
  'created-at',
  'correlation-id',
  'causation-id',
  'traceparent',
  'tracestate',
  'saga-id',
  'saga-name',
  'saga-step',
  'saga-round',
  'saga-direction',
  'saga-attempt',
  'reply-to',
  'outcome',
  'expires-at',
]

test('reads all of ours, and hands on what is not', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const read = readWireHeaders([
    ['id', Buffer.from(id)],
    ['type', 'stock.reserve'],
    ['version', '3'],
    ['content-type', 'application/avro'],
    ['created-at', '1732434000123456'],
    ['correlation-id', sagaId],
    ['causation-id', id],
    ['traceparent', traceparent],
    ['tracestate', 'a=1,b=2'],
    ['saga-id', sagaId],
    ['saga-name', 'place-order'],
    ['saga-step', 'reserve'],
    ['saga-round', '2'],
    ['saga-direction', 'undo'],
    ['saga-attempt', '4'],
    ['reply-to', 'orchestrator.reply'],
    ['outcome', 'rejected.outOfStock'],
    ['expires-at', '1732434600000000'],
    ['tenant', Buffer.from('größe')],
  ])
  expect(read).toEqual({
    id,
    type: 'stock.reserve',
    version: 3,
    contentType: 'application/avro',
    createdAtUs: 1_732_434_000_123_456n,
    context: {
      correlationId: sagaId,
      causationId: id,
      traceparent,
      tracestate: 'a=1,b=2',
      saga: { id: sagaId, name: 'place-order', step: 'reserve', round: 2, direction: 'undo', attempt: 4 },
      replyTo: 'orchestrator.reply',
      outcome: 'rejected.outOfStock',
      expiresAtUs: 1_732_434_600_000_000n,
    },
    headers: { tenant: 'größe' },
  })
})

test('of a foreign producer’s record: no id, no type, version 1', () => {
  expect(readWireHeaders([])).toEqual({ version: 1, context: {}, headers: {} })
})

test.each(['-62135596800000000', '0', '9224318015999999999'])(
  'a row may be dated at any time of Postgres: %s',
  (micros) => {
    expect(readWireHeaders([['created-at', micros]]).createdAtUs).toBe(BigInt(micros))
  },
)

test('a saga’s message without round, direction and attempt is its first', () => {
  expect(readWireHeaders([['saga-id', sagaId.toUpperCase()]]).context.saga).toEqual({
    id: sagaId,
    name: '',
    step: '',
    round: 1,
    direction: 'do',
    attempt: 1,
  })
})

test('an id in capitals is the same id', () => {
  expect(readWireHeaders([['id', id.toUpperCase()]]).id).toBe(id)
})

test('where a name comes twice the last one counts', () => {
  const read = readWireHeaders([
    ['type', 'a'],
    ['tenant', 'one'],
    ['type', 'b'],
    ['tenant', 'two'],
  ])
  expect(read.type).toBe('b')
  expect(read.headers).toEqual({ tenant: 'two' })
})

test('a header without a value: one of ours is absent, a foreign one empty', () => {
  const read = readWireHeaders([
    ['type', 'a'],
    ['type', null],
    ['tenant', null],
  ])
  expect(read.type).toBeUndefined()
  expect(read.headers).toEqual({ tenant: '' })
})

test('free headers may hold anything, line breaks and __proto__ included', () => {
  const read = readWireHeaders([
    ['x', 'a\r\nid: b'],
    ['', 'no name'],
    ['__proto__', 'polluted'],
    ['bytes', Buffer.from([0xff, 0])],
  ])
  expect(Object.entries(read.headers)).toEqual([
    ['x', 'a\r\nid: b'],
    ['', 'no name'],
    ['__proto__', 'polluted'],
    ['bytes', '\ufffd\0'],
  ])
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('one of ours that is empty counts as absent: so a router’s header of a null column arrives', () => {
  const names = ['id', 'type', 'version', 'created-at', 'saga-id', 'saga-round', 'expires-at', 'outcome']
  const empty = names.map((name) => [name, Buffer.alloc(0)] as const)
  expect(readWireHeaders(empty)).toEqual(readWireHeaders([]))
})

describe('refuses as malformed', () => {
  test.each<[string, string]>([
    ['id', 'order-1'],
    ['id', `${id}\n`],
    ['version', '1.0'],
    ['version', '-1'],
    ['version', 'v1'],
    ['version', '9'.repeat(10)],
    ['created-at', '2024-11-24T08:00:00Z'],
    ['created-at', '1e6'],
    ['created-at', '9'.repeat(20)],
    ['expires-at', 'never'],
    ['saga-id', '7'],
    ['correlation-id', 'a\0b'],
    ['reply-to', '\0'],
  ])('%s: %j', (name, value) => {
    expect(codeThrownBy(() => readWireHeaders([[name, value]]))).toBe('MESSAGE_MALFORMED')
  })

  test.each<[string, string]>([
    ['saga-round', '1e3'],
    ['saga-attempt', 'two'],
    ['saga-direction', 'back'],
  ])('%s: %j in a saga’s message', (name, value) => {
    const wire: WireHeaders = [
      ['saga-id', sagaId],
      [name, value],
    ]
    expect(codeThrownBy(() => readWireHeaders(wire))).toBe('MESSAGE_MALFORMED')
  })

  test('and the error shows 80 characters at most, escaped', () => {
    expect(() => readWireHeaders([['id', `\0${'x'.repeat(1_000)}`]])).toThrow(
      new RegExp(`the header id holds "${String.raw`\\u0000`}x{79}"\\.`),
    )
  })
})

test('of anything at all gives fields that the outbox can hold, or says that they are malformed', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.uuid(),
    fc.nat().map(String),
    fc.constantFrom('do', 'undo', '', '1'),
    fc.constant(null),
  )
  const wire = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), value), { maxLength: 20 })
  let taken = 0
  fc.assert(
    fc.property(wire, (headers) => {
      let read: ReturnType<typeof readWireHeaders> | undefined
      const code = codeThrownBy(() => (read = readWireHeaders(headers)))
      if (code !== undefined) {
        expect(code).toBe('MESSAGE_MALFORMED')
        return
      }
      taken++
      const { context, id: readId, type } = read!
      for (const text of [readId, type, context.correlationId, context.traceparent, context.replyTo])
        expect(text === undefined || (text.isWellFormed() && !text.includes('\0'))).toBe(true)
    }),
    { numRuns: 2_000 },
  )
  expect(taken).toBeGreaterThan(50) // else the property above says nothing about what is taken
})

test('exactly these names are ours', () => {
  for (const name of names) expect(isReservedHeader(name)).toBe(true)
  for (const name of ['', 'ID', 'Id', 'id ', 'tenant', '__proto__', 'constructor'])
    expect(isReservedHeader(name)).toBe(false)
})

test.each(['nonsense', '\ud800', 'a\0b', ''])(
  'an invalid traceparent, %j, counts as absent',
  (traceparent) => {
    const { context } = readWireHeaders([
      ['traceparent', traceparent],
      ['tracestate', 'a=1'],
      ['correlation-id', 'c'],
    ])
    expect(context).toEqual({ correlationId: 'c' })
  },
)
