/**
 * A conclusion about the sequence: every transaction that drew a `seq` up to `sequence` has a smaller number than `xid`.
 *
 * It is gained by reading the sequence first and beginning a transaction of our own (`xid`) afterwards: a writer has its transaction number
 * before it draws a `seq`, for `xid` stands before `seq` in the table. No snapshot could replace `xid`: a snapshot’s `xmax` is the last
 * *ended* transaction plus one, and a running writer may stand at or after it with a `seq` drawn long ago.
 */
export type Fence = { readonly sequence: bigint; readonly xid: bigint }

/** Fences in the order in which they were gained. */
export type Fences = readonly Fence[]

/** So many are kept; the older ones are thinned, which makes conclusions a little more cautious and never wrong. */
const fencesMax = 64

/** Adds the newest fence. */
export function withFence(fences: Fences, fence: Fence): Fences {
  const grown = [...fences, fence]
  if (grown.length <= fencesMax) return grown
  return grown.filter((_, index) => index % 2 === 0 || index === grown.length - 1)
}

/** The greatest `sequence` such that no transaction at or after `xid` has drawn it or a smaller one; 0 when nothing is known. */
export function sequenceBefore(fences: Fences, xid: bigint): bigint {
  for (let index = fences.length - 1; index >= 0; index--) {
    const fence = fences[index]
    if (fence && fence.xid < xid) return fence.sequence
  }
  return 0n
}
