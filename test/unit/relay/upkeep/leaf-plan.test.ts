import { expect, test } from 'vitest'
import { planLeaf } from '../../../../src/relay/upkeep/leaf-plan.ts'

test.each([
  ['a table without leaves is somebody else’s', undefined, 10n, undefined],
  ['more than a leaf and a half is left', 4_000_000n, 2_499_999n, undefined],
  [
    'a leaf and a half is left',
    4_000_000n,
    2_500_000n,
    { name: 'outbox_4', from: 4_000_000n, to: 5_000_000n },
  ],
  [
    'the last leaf is nearly full',
    4_000_000n,
    3_999_999n,
    { name: 'outbox_4', from: 4_000_000n, to: 5_000_000n },
  ],
  [
    'rows are in the default already: the next leaf begins well behind them',
    4_000_000n,
    4_600_000n,
    { name: 'outbox_6', from: 6_000_000n, to: 7_000_000n },
  ],
])('%s', (_, end, last, plan) => {
  expect(planLeaf(end, last)).toEqual(plan)
})
