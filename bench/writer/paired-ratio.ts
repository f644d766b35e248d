/** What a number of things cost together. */
export type Cost = { readonly cost: number; readonly count: number }

/** A ratio of costs that were measured in pairs, with the interval that holds it in 95 of 100 repetitions. */
export type PairedRatio = { readonly ratio: number; readonly low: number; readonly high: number }

const resamples = 2_000

/**
 * How much one of a pair costs against the other, and the interval of it by the bootstrap: pairs are drawn again with replacement, so that
 * what slowed both of a pair down counts once. Nothing is assumed of the noise of a busy machine, and the same numbers give the same interval.
 */
export function pairedRatio(pairs: readonly (readonly [Cost, Cost])[]): PairedRatio {
  const ratioOf = (drawn: readonly (readonly [Cost, Cost])[]): number => {
    const each = (side: 0 | 1): number => {
      const sum = (of: (cost: Cost) => number): number =>
        drawn.reduce((total, pair) => total + of(pair[side]), 0)
      return sum(({ cost }) => cost) / sum(({ count }) => count)
    }
    return each(0) / each(1)
  }
  let state = 1
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const ratios = Array.from({ length: resamples }, () =>
    ratioOf(pairs.map((pair) => pairs[Math.floor(random() * pairs.length)] ?? pair)),
  ).toSorted((a, b) => a - b)
  const at = (share: number): number => ratios[Math.floor(share * (resamples - 1))] ?? Number.NaN
  return { ratio: ratioOf(pairs), low: at(0.025), high: at(0.975) }
}
