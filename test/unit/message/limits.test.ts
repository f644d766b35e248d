import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  assertBytesWithinLimits,
  assertWithinLimits,
  defaultBodyLimits,
} from '../../../src/message/limits.ts'
import { codeThrownBy } from '../thrown-code.ts'

const owner = 'order.placed v1'
const refusal = (json: string, limits = defaultBodyLimits): string | undefined =>
  codeThrownBy(() => assertWithinLimits(json, Buffer.byteLength(json), limits, owner))

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

test('900,000 bytes and 64 levels are allowed, one more of either is not', () => {
  const text = `"${'x'.repeat(899_998)}"`
  expect(refusal(text)).toBeUndefined()
  expect(refusal(`${text} `)).toBe('MESSAGE_TOO_LARGE')
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
  expect(refusal(nested(64))).toBeUndefined()
  expect(refusal(nested(65))).toBe('MESSAGE_TOO_LARGE')
  expect(refusal('{"a":'.repeat(65) + '0' + '}'.repeat(65))).toBe('MESSAGE_TOO_LARGE')
})

test('bytes are counted, not characters', () => {
  expect(refusal('"ééé"', { bytesMax: 7, depthMax: 64 })).toBe('MESSAGE_TOO_LARGE')
  expect(refusal('"ééé"', { bytesMax: 8, depthMax: 64 })).toBeUndefined()
})

test('a nesting of 10,000 levels is refused before anything walks it', () => {
  expect(refusal('['.repeat(10_000))).toBe('MESSAGE_TOO_LARGE')
})

test('a wide body is not a deep one', () => {
  expect(refusal(JSON.stringify(Array.from({ length: 50_000 }, (_, i) => [i])))).toBeUndefined()
})

describe('brackets inside texts do not count', () => {
  test.each([
    JSON.stringify(['['.repeat(100)]),
    JSON.stringify([`\\"${'['.repeat(100)}`]),
    JSON.stringify({ ['{'.repeat(100)]: '"' }),
    JSON.stringify(['\\', '['.repeat(100), '\\\\']),
  ])('%s', (json) => {
    expect(refusal(json)).toBeUndefined()
  })
})

test('agrees with the depth of the parsed value', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6, stringUnit: fc.constantFrom('[', '{', '"', '\\', 'a', '}') }),
      fc.nat(7),
      (value, depthMax) => {
        const refused = refusal(JSON.stringify(value), { bytesMax: 1e9, depthMax }) !== undefined
        expect(refused).toBe(depthOf(value) > depthMax)
      },
    ),
    { numRuns: 500 },
  )
})

test('bytes are measured as their text is', () => {
  const limits = { bytesMax: 10_000, depthMax: 64 }
  const refused = (json: string): unknown =>
    codeThrownBy(() => assertBytesWithinLimits(Buffer.from(json), limits, 'x'))
  const many = `[${Array.from({ length: 200 }, () => '{"a":[]}').join(',')}]`
  const inText = JSON.stringify({ text: '[{'.repeat(200) })
  for (const json of ['', '{}', many, inText, '['.repeat(64)]) expect(refused(json)).toBeUndefined()
  for (const json of ['['.repeat(65), '{"a":['.repeat(33), 'x'.repeat(10_001), '[é'.repeat(65)])
    expect(refused(json)).toBe('MESSAGE_TOO_LARGE')
})
