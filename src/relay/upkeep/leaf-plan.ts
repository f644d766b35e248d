/** Rows of a leaf of the outbox, as in the first migration. */
const leafRows = 1_000_000n
/** The next leaf is made when less than this is left: a leaf and a half, hours ahead at a thousand rows a second. */
const aheadRows = (leafRows * 3n) / 2n

/** A leaf to be made: its name, and the `seq` it begins with and ends before. */
export type LeafPlan = { readonly name: string; readonly from: bigint; readonly to: bigint }

/**
 * The leaf to be added, if it is time.
 *
 * Once rows have gone into the default partition no leaf can be made there: the next one begins well after the last row.
 *
 * @param end of the last leaf; `undefined` when there is none, as in a table that somebody else laid out
 * @param last the sequence’s last value
 */
export function planLeaf(end: bigint | undefined, last: bigint): LeafPlan | undefined {
  if (end === undefined || last + aheadRows < end) return undefined
  const from = last < end ? roundedUp(end) : roundedUp(last + leafRows / 2n)
  return { name: `outbox_${from / leafRows}`, from, to: from + leafRows }
}

function roundedUp(seq: bigint): bigint {
  return ((seq + leafRows - 1n) / leafRows) * leafRows
}
