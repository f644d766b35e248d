import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs, defaultBackoff } from '../../../src/kernel/backoff.ts'

test('doubles from 100 ms up to 5 s by default', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => backoffMs(attempt))).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ])
})

test('an attempt below 1 waits as the first one does', () => {
  expect(backoffMs(0)).toBe(100)
  expect(backoffMs(-3)).toBe(100)
})

test('stays between half and all of the full wait, and never above the maximum, however many attempts', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 600_000 }),
      fc.double({ min: 1, max: 100, noNaN: true }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, initialMs, maxMs, factor, jitter) => {
        const policy = { initialMs, maxMs, factor }
        const full = backoffMs(attempt, policy)
        const wait = backoffMs(attempt, policy, jitter)
        expect(Number.isInteger(wait)).toBe(true)
        expect(full).toBeLessThanOrEqual(maxMs)
        expect(wait).toBeLessThanOrEqual(full)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(full / 2))
        expect(backoffMs(attempt + 1, policy)).toBeGreaterThanOrEqual(full)
      },
    ),
  )
})

test('jitter spreads the waits over the upper half', () => {
  const waits = [0, 0.25, 0.5, 0.75, 0.99].map((jitter) => backoffMs(7, defaultBackoff, jitter))
  expect(waits).toEqual([5_000, 4_375, 3_750, 3_125, 2_525])
})
