import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { command } from '../../../src/message/command.ts'
import { codeThrownBy } from '../thrown-code.ts'

const definition = {
  version: 1,
  key: (request: { orderId: string }) => request.orderId,
  request: z.object({ orderId: z.string(), quantity: z.int() }),
  ok: z.object({ reservationId: z.string() }),
  rejected: { outOfStock: z.object({ left: z.int() }), discontinued: z.object({}) },
}
const ReserveStock = command('stock.reserve', definition)

describe('a command contract', () => {
  test('goes to the topic of its service', () => {
    expect(ReserveStock).toMatchObject({
      kind: 'command',
      name: 'stock.reserve',
      version: 1,
      service: 'stock',
      aggregateType: 'stock.command',
    })
    expect(command('reserve', { ...definition, service: 'warehouse' }).aggregateType).toBe(
      'warehouse.command',
    )
    expect(command('ping', definition).service).toBe('ping')
  })

  test('has no rejections unless some are given', () => {
    const { rejected: _, ...without } = definition
    expect(command('stock.release', without).rejected).toEqual({})
  })

  test.each(['', ' ', '.', 'a b', 'x'.repeat(230)])('refuses the service %j', (service) => {
    expect(codeThrownBy(() => command('stock.reserve', { ...definition, service }))).toBe('CONTRACT_INVALID')
  })

  test.each(['', '.reserve', 'stock reserve', '__proto__'])('refuses the name %j', (name) => {
    expect(codeThrownBy(() => command(name, definition))).toBe('CONTRACT_INVALID')
  })

  test.each(['', 'out of stock', 'a.b', '1st', 'nö', '\0', 'x'.repeat(101)])(
    'refuses the rejection %j',
    (name) => {
      const rejected = { [name]: z.object({}) }
      expect(codeThrownBy(() => command('stock.reserve', { ...definition, rejected }))).toBe(
        'CONTRACT_INVALID',
      )
    },
  )

  test('refuses a rejection named __proto__', () => {
    const rejected = Object.defineProperty({}, '__proto__', {
      value: z.object({}),
      enumerable: true,
    }) as never
    expect(codeThrownBy(() => command('stock.reserve', { ...definition, rejected }))).toBe('CONTRACT_INVALID')
  })

  test('says which contract zod cannot describe', () => {
    const twice = z.object({
      a: z.object({ x: z.string() }).meta({ id: 'Twice' }),
      b: z.object({ y: z.int() }).meta({ id: 'Twice' }),
    })
    expect(() => command('stock.reserve', { ...definition, ok: twice })).toThrow(
      /^CONTRACT_INVALID: .*stock\.reserve v1/,
    )
  })
})

describe('prepare', () => {
  test('validates the request and gives its key', () => {
    const request = { orderId: 'o-1', quantity: 2 }
    expect(ReserveStock.prepare({ ...request, unknown: true })).toEqual({ key: 'o-1', request })
  })

  test('refuses what does not fit, and an empty key', () => {
    expect(codeThrownBy(() => ReserveStock.prepare({ orderId: 'o-1', quantity: Number.NaN }))).toBe(
      'MESSAGE_INVALID',
    )
    expect(codeThrownBy(() => ReserveStock.prepare({ orderId: '', quantity: 1 }))).toBe('MESSAGE_INVALID')
    expect(codeThrownBy(() => ReserveStock.prepare(undefined))).toBe('MESSAGE_INVALID')
  })
})

describe('the hash', () => {
  const { request, ok, rejected } = definition
  const hashOf = (change: Partial<typeof definition> | { rejected: object }): string =>
    command('stock.reserve', { ...definition, ...change } as typeof definition).hash

  test('is 16 hexadecimal digits, the same for the same schemas', () => {
    expect(ReserveStock.hash).toMatch(/^[0-9a-f]{16}$/)
    expect(hashOf({})).toBe(ReserveStock.hash)
  })

  test('does not depend on the order in which rejections are written', () => {
    const { outOfStock, discontinued } = rejected
    expect(hashOf({ rejected: { discontinued, outOfStock } })).toBe(ReserveStock.hash)
  })

  test.each<[string, Partial<typeof definition> | { rejected: object }]>([
    ['the request', { request: request.extend({ sku: z.string() }) }],
    ['the answer', { ok: ok.extend({ until: z.string() }) }],
    ['a rejection’s body', { rejected: { ...rejected, outOfStock: z.object({ left: z.string() }) } }],
    [
      'a rejection’s name',
      { rejected: { soldOut: rejected.outOfStock, discontinued: rejected.discontinued } },
    ],
    [
      'the names of two rejections exchanged',
      { rejected: { outOfStock: rejected.discontinued, discontinued: rejected.outOfStock } },
    ],
    ['a rejection less', { rejected: { outOfStock: rejected.outOfStock } }],
  ])('changes with %s', (_, change) => {
    expect(hashOf(change)).not.toBe(ReserveStock.hash)
  })

  test('takes schemas that JSON Schema cannot describe', () => {
    expect(hashOf({ ok: z.object({ reservationId: z.string().transform(String) }) as never })).toMatch(
      /^[0-9a-f]{16}$/,
    )
  })
})
