import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { isUuid } from '../../../src/kernel/ids.ts'
import { event } from '../../../src/message/event.ts'
import { codeThrownBy } from '../thrown-code.ts'

const OrderPlaced = event('order.placed', {
  version: 2,
  key: (order) => order.orderId,
  payload: z.object({ orderId: z.uuid(), total: z.int().nonnegative() }),
})
const order = { orderId: '018f2b6e-7c3a-7d10-9a5b-0123456789ab', total: 4_200 }

describe('an event contract', () => {
  test('is named, numbered and goes to the topic of its aggregate', () => {
    expect(OrderPlaced).toMatchObject({
      kind: 'event',
      name: 'order.placed',
      version: 2,
      aggregateType: 'order',
    })
  })

  test('takes another aggregate type where one is given, and the whole name where there is no dot', () => {
    const definition = { version: 1, key: () => 'k', payload: z.unknown() }
    expect(event('order.placed', { ...definition, aggregateType: 'sales-order' }).aggregateType).toBe(
      'sales-order',
    )
    expect(event('ping', definition).aggregateType).toBe('ping')
  })

  test.each(['', '.placed', '-x', 'order placed', 'ördner', 'a\nb', 'a\0', 'x'.repeat(201), '../x'])(
    'refuses the name %j',
    (name) => {
      expect(codeThrownBy(() => event(name, { version: 1, key: () => 'k', payload: z.unknown() }))).toBe(
        'CONTRACT_INVALID',
      )
    },
  )

  test.each([0, -1, 1.5, Number.NaN, Infinity, 1_000_001, '1' as unknown as number])(
    'refuses the version %s',
    (version) => {
      expect(
        codeThrownBy(() => event('order.placed', { version, key: () => 'k', payload: z.unknown() })),
      ).toBe('CONTRACT_INVALID')
    },
  )

  test.each(['', '.', '..', 'a b', 'ä', 'a/b', '.hidden', 'x'.repeat(237)])(
    'refuses the aggregate type %j',
    (aggregateType) => {
      const definition = { version: 1, key: () => 'k', payload: z.unknown(), aggregateType }
      expect(codeThrownBy(() => event('order.placed', definition))).toBe('CONTRACT_INVALID')
    },
  )
})

describe('create', () => {
  test('makes a message with a new id of version 7 and the key of the payload', () => {
    const message = OrderPlaced.create(order)
    expect(message).toEqual({
      id: message.id,
      aggregateType: 'order',
      key: order.orderId,
      type: 'order.placed',
      version: 2,
      body: order,
      headers: {},
      context: {},
    })
    expect(isUuid(message.id)).toBe(true)
    expect(message.id[14]).toBe('7')
    expect(OrderPlaced.create(order).id).not.toBe(message.id)
  })

  test('takes id, headers and context as given', () => {
    const options = { id: order.orderId, headers: { tenant: 'acme' }, context: { correlationId: 'c-1' } }
    expect(OrderPlaced.create(order, options)).toMatchObject(options)
  })

  test('sends what the schema returns: defaults filled in, unknown keys left out', () => {
    const Shipped = event('shipment.sent', {
      version: 1,
      key: (shipment) => shipment.id,
      payload: z.object({ id: z.string(), carrier: z.string().default('post') }),
    })
    const input = { id: 's-1', secret: 'x' }
    expect(Shipped.create(input).body).toEqual({ id: 's-1', carrier: 'post' })
  })

  test.each<[string, unknown]>([
    ['NaN', { ...order, total: Number.NaN }],
    ['Infinity', { ...order, total: Infinity }],
    ['a fraction', { ...order, total: 0.5 }],
    ['beyond 2^53', { ...order, total: 2 ** 53 }],
    ['a bigint', { ...order, total: 1n }],
    ['a text', { ...order, total: '1' }],
    ['a missing field', { orderId: order.orderId }],
    ['no object', 'order'],
    ['null', null],
    ['undefined', undefined],
    ['an array', [order]],
  ])('refuses %s and names the place', (_, payload) => {
    expect(() => OrderPlaced.create(payload as never)).toThrow(
      /^MESSAGE_INVALID: .*order\.placed v2: (total|\(body\)): /,
    )
  })

  test('refuses a date that is none', () => {
    const Dated = event('x.dated', { version: 1, key: () => 'k', payload: z.object({ at: z.date() }) })
    expect(codeThrownBy(() => Dated.create({ at: new Date(Number.NaN) }))).toBe('MESSAGE_INVALID')
  })

  test('refuses a body of null, which would delete the key from a compacted topic', () => {
    const Nullable = event('x.nullable', { version: 1, key: () => 'k', payload: z.string().nullable() })
    expect(() => Nullable.create(null)).toThrow(/tombstone/)
    expect(Nullable.create('a').body).toBe('a')
  })

  test.each<[string, unknown]>([
    ['empty', ''],
    ['NUL', 'a\0'],
    ['a lone surrogate', 'a\ud800'],
    ['longer than 1,000 characters', 'x'.repeat(1_001)],
    ['longer than 2,000 bytes', '键'.repeat(667)],
    ['no text', 7],
    ['missing', undefined],
  ])('refuses a key that is %s', (_, key) => {
    const Keyed = event('x.keyed', { version: 1, key: () => key as string, payload: z.object({}) })
    expect(codeThrownBy(() => Keyed.create({}))).toBe('MESSAGE_INVALID')
    expect(codeThrownBy(() => Keyed.tombstone(key as string))).toBe('MESSAGE_INVALID')
  })

  test.each(['x'.repeat(1_000), 'ü'.repeat(1_000), '键'.repeat(666)])(
    'takes a key of 1,000 characters and 2,000 bytes',
    (key) => {
      const Keyed = event('x.keyed', { version: 1, key: () => key, payload: z.object({}) })
      expect(Keyed.create({}).key).toBe(key)
    },
  )

  test('a key named __proto__ in the payload changes no prototype', () => {
    const Loose = event('x.loose', {
      version: 1,
      key: () => 'k',
      payload: z.looseObject({ tags: z.record(z.string(), z.unknown()) }),
    })
    const hostile = JSON.parse('{"tags":{"__proto__":{"admin":true}},"__proto__":{"admin":true}}') as never
    const { body } = Loose.create(hostile)
    expect((body as Record<string, unknown>)['admin']).toBeUndefined()
    expect(body?.tags['admin']).toBeUndefined()
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  test('takes a payload of 100,000 keys', () => {
    const Wide = event('x.wide', { version: 1, key: () => 'k', payload: z.record(z.string(), z.int()) })
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]))
    expect(Object.keys(Wide.create(wide).body ?? {})).toHaveLength(100_000)
  })
})

test('a tombstone has a key and no body', () => {
  expect(OrderPlaced.tombstone('o-1', { headers: { why: 'erased' } })).toMatchObject({
    key: 'o-1',
    body: null,
    type: 'order.placed',
    headers: { why: 'erased' },
  })
})
