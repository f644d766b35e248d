/** What is looked at again and again in a soak, by name. */
export type Sample = Readonly<Record<string, number>>

/** By how much the last third may be above the first one: a share of it, and an amount below which a difference says nothing. */
export type Allowance = { readonly unit: string; readonly share: number; readonly amount: number }

/** One measure over a soak: the medians of its first and its last third, and whether it has stayed flat. */
export type Course = {
  readonly name: string
  readonly unit: string
  readonly first: number
  readonly last: number
  readonly atMost: number
  readonly isFlat: boolean
}

/** Compares the first third of the samples with the last, by their medians. */
export function coursesOf(
  samples: readonly Sample[],
  allowances: Readonly<Record<string, Allowance>>,
): Course[] {
  const third = Math.floor(samples.length / 3)
  return Object.entries(allowances).map(([name, { unit, share, amount }]) => {
    const values = samples.map((sample) => sample[name] ?? Number.NaN)
    const first = median(values.slice(0, third))
    const last = median(values.slice(values.length - third))
    const atMost = first * (1 + share) + amount
    return { name, unit, first, last, atMost, isFlat: last <= atMost }
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
}
