import { describe, expect, test } from 'vitest'
import { jsonCopy } from '../../../../src/saga/machine/json-copy.ts'

describe('jsonCopy', () => {
  test('copies what JSON can hold, and leaves out what is undefined', () => {
    const value = { a: [1, 'x', null, true, { b: -0 }], c: undefined, d: Object.create(null) as object }
    const copied = jsonCopy(value, 'v')
    expect(copied).toStrictEqual({ a: [1, 'x', null, true, { b: 0 }], d: {} })
    expect((copied as typeof value).a).not.toBe(value.a)
    expect(JSON.parse(JSON.stringify(copied))).toStrictEqual(copied)
  })

  const cyclic: Record<string, unknown> = {}
  cyclic['again'] = cyclic

  test.each([
    ['undefined', undefined, /v: \(body\): JSON cannot hold a undefined/],
    ['a hole in a list', [[undefined]], /v: \[0\]\[0\]: .* a undefined/],
    ['a bigint', { a: { b: 1n } }, /v: a\.b: JSON cannot hold a bigint/],
    ['a function', { f: () => 1 }, /v: f: .* a function/],
    ['NaN', { n: Number.NaN }, /v: n: JSON cannot hold NaN/],
    ['infinity', [Number.POSITIVE_INFINITY], /v: \[0\]: JSON cannot hold Infinity/],
    ['a date', { at: new Date(0) }, /v: at: .* an instance of Date/],
    ['a map', new Map(), /v: \(body\): .* an instance of Map/],
    ['an object of an unnamed class', Object.create(Object.create(null) as object), /an instance of a class/],
    ['a member that would become the prototype', JSON.parse('{"__proto__":1}'), /a member named __proto__/],
    ['a cycle', cyclic, /something nested that deep/],
  ])('refuses %s', (_what, value, words) => {
    expect(() => jsonCopy(value, 'v')).toThrow(words)
    expect(() => jsonCopy(value, 'v')).toThrow(/^MESSAGE_INVALID/)
  })
})
