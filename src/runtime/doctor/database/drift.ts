import type { CatalogEntry } from '../../../postgres/doctor/catalog.ts'

/** What differs between two catalogs, in words. */
export type Drift = {
  /** Not there at all. */
  readonly missing: readonly string[]
  /** There, and another. */
  readonly changed: readonly string[]
  /** There, on a table of ours, and not made by us. */
  readonly added: readonly string[]
}

/** Compares what is expected with what is there. Whole tables and functions of others are none of our business. */
export function driftBetween(expected: readonly CatalogEntry[], actual: readonly CatalogEntry[]): Drift {
  const found = new Map(actual.map((entry) => [keyOf(entry), entry]))
  const wanted = new Map(expected.map((entry) => [keyOf(entry), entry]))
  const ours = new Set(expected.map(({ table }) => table))
  const there = new Set(actual.map(({ table }) => table))
  const missingTables = [...ours].filter((table) => !there.has(table))
  const missing = expected.filter((entry) => there.has(entry.table) && !found.has(keyOf(entry)))
  const changed = expected.flatMap((entry) => {
    const now = found.get(keyOf(entry))
    return now === undefined || now.definition === entry.definition ? [] : [differs(entry, now)]
  })
  const added = actual.filter(
    (entry) => entry.kind !== 'function' && ours.has(entry.table) && !wanted.has(keyOf(entry)),
  )
  return {
    missing: [
      ...missingTables.map((table) => (table === '' ? 'all functions' : `the table ${table}`)),
      ...missing.map(named),
    ],
    changed,
    added: added.map(named),
  }
}

function keyOf({ kind, table, name }: CatalogEntry): string {
  return JSON.stringify([kind, table, name])
}

function named({ kind, table, name }: CatalogEntry): string {
  if (kind === 'function') return `the function ${name}`
  return kind === 'column' ? `the column ${table}.${name}` : `the ${kind} ${name} of ${table}`
}

function differs(expected: CatalogEntry, actual: CatalogEntry): string {
  if (expected.kind === 'function') return `${named(expected)} has another body`
  return `${named(expected)} is "${actual.definition}" instead of "${expected.definition}"`
}
