import { readFileSync } from 'node:fs'
import { type Figure, median } from './figure.ts'

type Floor = { readonly atLeast?: number; readonly atMost?: number }

/** The figures whose median misses its floor in `floors.json`, each as a sentence. */
export function missedFloors(figures: readonly Figure[]): string[] {
  const floors = JSON.parse(readFileSync(new URL('floors.json', import.meta.url), 'utf8')) as Record<
    string,
    Floor
  >
  return figures.flatMap(({ name, unit, values }) => {
    const { atLeast = -Infinity, atMost = Infinity } = floors[name] ?? {}
    const value = median(values)
    if (value >= atLeast && value <= atMost) return []
    return [
      `${name}: ${value.toPrecision(4)} ${unit}, the floor is ${value < atLeast ? `at least ${atLeast}` : `at most ${atMost}`}`,
    ]
  })
}
