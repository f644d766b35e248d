import { describe, expect, test } from 'vitest'
import { type Fences, sequenceBefore, withFence } from '../../../../src/relay/source/fences.ts'

describe('fences', () => {
  const fences: Fences = [
    { sequence: 10n, xid: 100n },
    { sequence: 20n, xid: 200n },
  ]

  test.each([
    [50n, 0n],
    [100n, 0n],
    [101n, 10n],
    [200n, 10n],
    [201n, 20n],
  ])('before transaction %s: up to %s', (xid, sequence) => {
    expect(sequenceBefore(fences, xid)).toBe(sequence)
  })

  test('stay few, whatever holds the oldest transaction back, and never say too much', () => {
    let many: Fences = []
    for (let n = 1n; n <= 10_000n; n++) many = withFence(many, { sequence: n, xid: n * 10n })
    expect(many.length).toBeLessThanOrEqual(64)
    expect(sequenceBefore(many, 100_001n)).toBe(10_000n)
    for (const xid of [15n, 500n, 50_000n, 99_990n]) expect(sequenceBefore(many, xid) * 10n).toBeLessThan(xid)
    expect(sequenceBefore(many, 50_000n)).toBeGreaterThan(0n)
  })
})
