/** One row of a bench: what was measured, in which unit, and each run’s value. */
export type Figure = { readonly name: string; readonly unit: string; readonly values: readonly number[] }

/** The middle of the values; of an even number the lower middle. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN
}

/** The value below which the share `q` of them lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

/** Prints median and spread as a table. */
export function printFigures(figures: readonly Figure[]): void {
  const text = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))
  console.log(
    `\n${'figure'.padEnd(48)}${'median'.padStart(10)}${'lowest'.padStart(10)}${'highest'.padStart(10)}  unit`,
  )
  for (const { name, unit, values } of figures)
    console.log(
      `${name.padEnd(48)}${text(median(values)).padStart(10)}${text(Math.min(...values)).padStart(10)}${text(Math.max(...values)).padStart(10)}  ${unit}`,
    )
}
