/** One row of a bench: what was measured, in which unit, and each run’s value. */
export type Figure = { readonly name: string; readonly unit: string; readonly values: readonly number[] }

/** Collects figures while a bench runs, so that a failure late in it costs none of the earlier ones. */
export class Figures {
  readonly #byName = new Map<string, { name: string; unit: string; values: number[] }>()

  add(name: string, unit: string, value: number): void {
    const figure = this.#byName.get(name) ?? { name, unit, values: [] }
    figure.values.push(value)
    this.#byName.set(name, figure)
  }

  get all(): Figure[] {
    return [...this.#byName.values()]
  }
}

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
  const text = (value: number): string =>
    Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
  console.log(
    `\n${'figure'.padEnd(66)}${'median'.padStart(10)}${'lowest'.padStart(10)}${'highest'.padStart(10)}  unit`,
  )
  for (const { name, unit, values } of figures)
    console.log(
      `${name.padEnd(66)}${text(median(values)).padStart(10)}${text(Math.min(...values)).padStart(10)}${text(Math.max(...values)).padStart(10)}  ${unit}`,
    )
}
