import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deriveId, isUuid, newId } from '../../../src/kernel/ids.ts'

const uuid = fc.uuid()
/** Texts with any UTF-16 unit, lone surrogates and the separators of the derivation included. */
const part = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '|', ':', '1:', '0:', '\ud800', '\udfff', '\ufffd'),
  fc.integer(),
)

describe('newId', () => {
  test('is a UUID of version 7 that begins with the time', () => {
    const id = newId(0x0123_4567_89ab)
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(isUuid(id)).toBe(true)
  })

  test('takes the time of the machine by default', () => {
    const before = Date.now()
    const time = Number.parseInt(newId().replaceAll('-', '').slice(0, 12), 16)
    expect(time).toBeGreaterThanOrEqual(before)
    expect(time).toBeLessThanOrEqual(Date.now())
  })

  test('gives 100,000 different ids within one millisecond', () => {
    expect(new Set(Array.from({ length: 100_000 }, () => newId(1))).size).toBe(100_000)
  })

  test('sorts by time', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [early, late] = [a % 2 ** 47, b % 2 ** 47].sort((x, y) => x - y) as [number, number]
        if (early < late) expect(newId(early) < newId(late)).toBe(true)
      }),
    )
  })
})

describe('deriveId', () => {
  test('stays the same for ever (golden vectors: another result would give old work new ids)', () => {
    const from = '018f2b6e-7c3a-7d10-9a5b-0123456789ab'
    expect(deriveId(from)).toBe('018f2b6e-7c3a-8659-ad14-571ca72b0cd5')
    expect(deriveId(from, 'reply')).toBe('018f2b6e-7c3a-8d82-99e8-c8a8f46c902c')
    expect(deriveId(from, 'billing', 'order.placed', 3)).toBe('018f2b6e-7c3a-84b2-9934-28cd41027de3')
    expect(deriveId(from, 'grüße 😀')).toBe('018f2b6e-7c3a-8a19-a201-d53760e6c99a')
  })

  test('is a UUID of version 8 with the 48 bits of time of its parent', () => {
    fc.assert(
      fc.property(uuid, fc.array(part), (from, parts) => {
        const id = deriveId(from, ...parts)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(id.slice(0, 13)).toBe(from.slice(0, 13))
        expect(deriveId(from, ...parts)).toBe(id)
      }),
    )
  })

  test('two lists of parts give one id only when they are the same texts', () => {
    fc.assert(
      fc.property(uuid, fc.array(part), fc.array(part), (from, a, b) => {
        const same = JSON.stringify(a.map(String)) === JSON.stringify(b.map(String))
        expect(deriveId(from, ...a) === deriveId(from, ...b)).toBe(same)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [['a'], ['a', '']],
    [[''], []],
    [['1:a'], ['a']],
    [['a', 'b'], ['a1:b']],
    [['\ud800'], ['\udc00']],
    [['\ud800'], ['\ufffd']],
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
  ])('%j and %j are different work', (a, b) => {
    const from = newId()
    expect(deriveId(from, ...a)).not.toBe(deriveId(from, ...b))
  })

  test('of another parent is another id, of the same one in capitals the same', () => {
    fc.assert(
      fc.property(uuid, uuid, (a, b) => {
        fc.pre(a !== b)
        expect(deriveId(a, 'x')).not.toBe(deriveId(b, 'x'))
        expect(deriveId(a.toUpperCase(), 'x')).toBe(deriveId(a, 'x'))
      }),
    )
  })

  test('chains: an id derived from a derived one keeps the time of the first', () => {
    const first = newId()
    const chained = deriveId(deriveId(first, 'reply'), 'reply')
    expect(chained.slice(0, 13)).toBe(first.slice(0, 13))
    expect(chained).not.toBe(deriveId(first, 'reply'))
  })
})

describe('isUuid', () => {
  test('takes the usual form in either case', () => {
    expect(isUuid('018F2B6E-7C3A-7D10-9A5B-0123456789AB')).toBe(true)
    expect(isUuid('00000000-0000-0000-0000-000000000000')).toBe(true)
  })

  test.each([
    '',
    '018f2b6e7c3a7d109a5b0123456789ab',
    '{018f2b6e-7c3a-7d10-9a5b-0123456789ab}',
    '018f2b6e-7c3a-7d10-9a5b-0123456789ab\n',
    ' 018f2b6e-7c3a-7d10-9a5b-0123456789ab',
    '018f2b6e-7c3a-7d10-9a5b-0123456789ag',
    'order-1',
  ])('refuses %j', (text) => {
    expect(isUuid(text)).toBe(false)
  })
})
