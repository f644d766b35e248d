import type { LeafLayout } from './leaf-session.ts'

/** Rows of a leaf of the outbox, as in the first migration. */
const leafRows = 250_000n
/** So many leaves are of that size. With more, as while Kafka is down, each next eight are of twice the size: their number stays small. */
const leavesOfASize = 8
/** The next leaf is made when less than this is left: a quarter of an hour at a thousand rows a second. */
const aheadRows = 1_000_000n
/** A default partition up to this size is read through in some milliseconds when a leaf is attached. */
const smallBytes = 16_000_000
/**
 * Else the next leaf is made so far ahead: nobody gets there while the default partition promises to hold nothing of it, and the relay walks
 * across what is left out in a hundred steps.
 */
const farRows = 100_000_000n
/** And is so large: the one behind it can be made only when the default partition is empty, or in the same way. */
const farLeafRows = 4_000_000n

/** What is to be done next about the layout of an outbox. */
export type LeafStep =
  | { readonly kind: 'add' | 'open gap'; readonly from: bigint; readonly to: bigint }
  | { readonly kind: 'validate gap' | 'close gap' | 'skip to leaf' }

/**
 * The next step towards leaves far enough ahead of the sequence; `undefined` when there are.
 *
 * Once the sequence has left the last leaf, because no relay ran for long, rows go into the default partition. Attaching a leaf reads all of
 * it, under a lock that its writers wait for. So with a large one a leaf is made far ahead, in a range that the partition promises
 * to hold nothing of; and the sequence skips to it.
 *
 * @param isPatient to leave the default partition as it is while there is a backlog: reading all of it would only slow that down
 */
export function nextLeafStep(layout: LeafLayout, isPatient: boolean): LeafStep | undefined {
  const { last, leaves, gap, rest } = layout
  const next = last + 1n
  const hasLeaf = leaves.some(({ from, to }) => from <= next && next < to)
  if (!hasLeaf && leaves.some(({ from }) => from > next)) return { kind: 'skip to leaf' }
  if (gap?.isValid) return { kind: 'add', from: gap.from, to: gap.to }
  if (gap) return { kind: last + farRows / 2n < gap.from ? 'validate gap' : 'close gap' }
  const end = leaves.reduce((highest, { to }) => (to > highest ? to : highest), 0n)
  const rows = leafRows << BigInt(Math.floor(leaves.length / leavesOfASize))
  const ahead = rows * 2n > aheadRows ? rows * 2n : aheadRows
  if (last + ahead < end) return undefined
  if ((rest?.bytes ?? 0) <= smallBytes) {
    const from = roundedUp(hasLeaf ? end : last + leafRows / 2n)
    return { kind: 'add', from, to: from + rows }
  }
  if (isPatient && layout.isWalking) return undefined
  const far = roundedUp((last > end ? last : end) + farRows)
  return { kind: 'open gap', from: far, to: far + farLeafRows }
}

function roundedUp(seq: bigint): bigint {
  return ((seq + leafRows - 1n) / leafRows) * leafRows
}
