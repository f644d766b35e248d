import { describe, expect, test } from 'vitest'
import { nextLeafStep } from '../../../../src/relay/upkeep/leaf-plan-machine.ts'
import type { LeafLayout } from '../../../../src/relay/upkeep/leaf-session.ts'

const unknown = { bytes: 0, isPublished: undefined, isAged: undefined }

/** Leaves by their bounds. */
function layout(
  last: bigint,
  bounds: readonly (readonly [bigint, bigint])[],
  more: Partial<LeafLayout> & { readonly restBytes?: number } = {},
): LeafLayout {
  const { restBytes = 0, ...rest } = more
  return {
    inRecovery: false,
    last,
    leaves: bounds.map(([from, to]) => ({ ...unknown, name: `outbox_${from / 250_000n}`, from, to })),
    rest: { ...unknown, name: 'outbox_default', bytes: restBytes },
    gap: undefined,
    isWalking: false,
    kept: 0,
    ...rest,
  }
}

const quarters = (from: bigint, count: number): (readonly [bigint, bigint])[] =>
  Array.from({ length: count }, (_, n) => [(from + BigInt(n)) * 250_000n, (from + BigInt(n) + 1n) * 250_000n])

const large = 1_000_000_000

describe('leaves are made ahead', () => {
  test('when less than a million rows are left, each behind the last one', () => {
    expect(nextLeafStep(layout(0n, quarters(0n, 4)), true)).toEqual({
      kind: 'add',
      from: 1_000_000n,
      to: 1_250_000n,
    })
    expect(nextLeafStep(layout(0n, quarters(0n, 5)), true)).toBeUndefined()
    expect(nextLeafStep(layout(250_001n, quarters(1n, 4)), true)).toMatchObject({ from: 1_250_000n })
  })

  test('larger the more there are, so that a backlog of any size makes few', () => {
    let bounds = quarters(0n, 4)
    for (let last = 0n; last < 500_000_000n; last += 100_000n)
      for (;;) {
        const step = nextLeafStep(layout(last, bounds), true)
        if (step?.kind !== 'add') break
        bounds = [...bounds, [step.from, step.to]]
      }
    expect(bounds.length).toBeLessThan(80)
    expect(bounds.every(([, to], n) => n === bounds.length - 1 || bounds[n + 1]?.[0] === to)).toBe(true)
  })

  test('begin at a round place where somebody else’s leaf ends at another', () => {
    expect(nextLeafStep(layout(5n, [[0n, 10n]]), true)).toMatchObject({ kind: 'add', from: 250_000n })
  })
})

describe('once rows are in the default partition (rule B11)', () => {
  test('a small one is read through: the next leaf begins a little behind the last row', () => {
    expect(nextLeafStep(layout(4_200_000n, quarters(0n, 4), { restBytes: 8_192 }), true)).toEqual({
      kind: 'add',
      from: 4_500_000n,
      to: 4_750_000n,
    })
    expect(nextLeafStep(layout(4_200_000n, [], { restBytes: 8_192 }), true)).toMatchObject({ kind: 'add' })
  })

  test('the sequence skips to a leaf that is ahead of it', () => {
    const bounds = [...quarters(0n, 4), ...quarters(18n, 1)]
    expect(nextLeafStep(layout(4_200_000n, bounds), true)).toEqual({ kind: 'skip to leaf' })
    expect(nextLeafStep(layout(4_499_999n, bounds), true)).toMatchObject({ kind: 'add' })
  })

  test('of a large one a range far ahead is promised first, then validated, then made a leaf', () => {
    const rest = { restBytes: large }
    const step = nextLeafStep(layout(4_200_000n, quarters(0n, 4), rest), true)
    expect(step).toEqual({ kind: 'open gap', from: 104_250_000n, to: 108_250_000n })
    const gap = { from: 104_250_000n, to: 108_250_000n, isValid: false }
    expect(nextLeafStep(layout(5_000_000n, quarters(0n, 4), { ...rest, gap }), true)).toEqual({
      kind: 'validate gap',
    })
    const valid = { ...gap, isValid: true }
    expect(nextLeafStep(layout(6_000_000n, quarters(0n, 4), { ...rest, gap: valid }), true)).toEqual({
      kind: 'add',
      from: gap.from,
      to: gap.to,
    })
  })

  test('a promise that the sequence comes near to is taken back: no writer may ever meet it', () => {
    const gap = { from: 104_250_000n, to: 108_250_000n, isValid: false }
    const near = layout(60_000_000n, quarters(0n, 4), { restBytes: large, gap })
    expect(nextLeafStep(near, true)).toEqual({ kind: 'close gap' })
  })

  test('a large one is not read through while there is a backlog, but not for ever', () => {
    const busy = layout(4_200_000n, quarters(0n, 4), { restBytes: large, isWalking: true })
    expect(nextLeafStep(busy, true)).toBeUndefined()
    expect(nextLeafStep(busy, false)).toMatchObject({ kind: 'open gap' })
  })
})
