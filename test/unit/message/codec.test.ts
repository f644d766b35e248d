import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonCodec } from '../../../src/message/codec.ts'
import { codeThrownBy } from '../thrown-code.ts'

const owner = 'order.placed v1'
const bytesOf = (text: string | Buffer): Buffer => (typeof text === 'string' ? Buffer.from(text) : text)

describe('encode', () => {
  test('any JSON value comes back as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const back = jsonCodec.decode(bytesOf(jsonCodec.encode(value, owner)), owner)
        expect(JSON.stringify(back)).toBe(JSON.stringify(value))
      }),
    )
  })

  test.each<[string, unknown]>([
    ['NUL', 'a\0b'],
    ['a lone high surrogate', 'a\ud800b'],
    ['a lone low surrogate', '\udc00'],
    ['a byte order mark', '\ufeffa'],
    ['right-to-left and zero-width marks', '\u202ea\u200b\u2066'],
    ['emoji', '👩‍👩‍👧‍👦 🏳️‍🌈'],
    ['line separators', '\u2028\u2029\r\n'],
    ['a nested empty list', [[], {}, '']],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ])('carries %s and says it in text that Postgres takes', (_, value) => {
    const text = jsonCodec.encode({ value }, owner)
    expect(text).toBeTypeOf('string')
    expect((text as string).isWellFormed()).toBe(true)
    expect(text).not.toContain('\0')
    expect(jsonCodec.decode(bytesOf(text), owner)).toEqual({ value })
  })

  test.each<[string, unknown]>([
    ['a bigint', { total: 1n }],
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('no')
        },
      },
    ],
  ])('refuses %s', (_, body) => {
    expect(codeThrownBy(() => jsonCodec.encode(body, owner))).toBe('MESSAGE_INVALID')
  })

  test('refuses a cycle and names the message', () => {
    const order: Record<string, unknown> = {}
    order['self'] = order
    expect(() => jsonCodec.encode(order, owner)).toThrow(/order\.placed v1: .*circular/i)
  })

  test('refuses a body nested so deep that it cannot be walked', () => {
    let nested: unknown = 0
    for (let i = 0; i < 100_000; i++) nested = [nested]
    expect(codeThrownBy(() => jsonCodec.encode(nested, owner))).toBe('MESSAGE_TOO_LARGE')
  })

  test('leaves to the schema what JSON would change in silence', () => {
    expect(
      jsonCodec.encode({ a: Number.NaN, b: Infinity, c: -0, d: undefined, e: new Date(Number.NaN) }, owner),
    ).toBe('{"a":null,"b":null,"c":0,"e":null}')
  })
})

describe('decode', () => {
  test.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['no JSON', Buffer.from('order 1')],
    ['JSON cut off', Buffer.from('{"orderId":"1')],
    ['two values', Buffer.from('{}{}')],
    ['NaN', Buffer.from('NaN')],
    ['a raw NUL', Buffer.from('"a\0b"')],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ['a lone surrogate in UTF-8 (CESU)', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['Avro with its magic byte', Buffer.from([0, 0, 0, 0, 7, 2, 0x61])],
  ])('refuses %s as malformed', (_, bytes) => {
    expect(codeThrownBy(() => jsonCodec.decode(bytes, owner))).toBe('MESSAGE_MALFORMED')
  })

  test('goes on after a refusal: no state is left of it', () => {
    expect(codeThrownBy(() => jsonCodec.decode(Buffer.from([0x22, 0xe2, 0x82]), owner))).toBe(
      'MESSAGE_MALFORMED',
    )
    expect(jsonCodec.decode(Buffer.from('"€"'), owner)).toBe('€')
  })

  test('of any bytes gives a value or says that they are malformed', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([undefined, 'MESSAGE_MALFORMED']).toContain(
          codeThrownBy(() => jsonCodec.decode(Buffer.from(bytes), owner)),
        )
      }),
    )
  })

  test('a key named __proto__ stays a key', () => {
    const body = jsonCodec.decode(Buffer.from('{"__proto__":{"admin":true}}'), owner) as Record<
      string,
      unknown
    >
    expect(Object.keys(body)).toEqual(['__proto__'])
    expect(body['admin']).toBeUndefined()
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })
})
