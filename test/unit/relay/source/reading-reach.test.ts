import { expect, test } from 'vitest'
import { ReadingReach } from '../../../../src/relay/source/reading-reach.ts'

test('a read that took too long is for less the next time, down to a least, and quick ones let it grow again', () => {
  const reach = new ReadingReach(1_000, 1)
  expect([reach.pageRows, reach.span]).toEqual([1_000, 1_000_000n])
  reach.shrink()
  expect([reach.pageRows, reach.span, reach.earlySpan]).toEqual([500, 250_000n, 250_000n])
  for (let n = 0; n < 20; n++) reach.shrink()
  expect([reach.pageRows, reach.span]).toEqual([20, 1_000n])
  reach.finished(5, true)
  reach.finished(500, false)
  expect(reach.span).toBe(1_000n)
  for (let n = 0; n < 30; n++) reach.finished(5, false)
  expect(reach.span, 'all rows are looked at in a walk: no further than that').toBe(1_000_000n)
  expect(reach.earlySpan).toBeGreaterThan(1_000_000_000n)
  for (let n = 0; n < 9; n++) reach.recover()
  expect(reach.pageRows).toBe(1_000)
})

test('it is shorter from the beginning where most rows belong to other shards', () => {
  expect(new ReadingReach(10, 8).span).toBeLessThan(1_000_000n)
  const small = new ReadingReach(10, 8)
  small.shrink()
  expect(small.pageRows).toBe(10)
})
