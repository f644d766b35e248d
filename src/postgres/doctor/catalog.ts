import type { ClientBase } from 'pg'
import type { CatalogRow } from '../queries/doctor/list-columns.ts'
import { listColumns } from '../queries/doctor/list-columns.ts'
import { listConstraints } from '../queries/doctor/list-constraints.ts'
import { listFunctions } from '../queries/doctor/list-functions.ts'
import { listIndexes } from '../queries/doctor/list-indexes.ts'

/** One thing that a schema holds. */
export type CatalogEntry = {
  readonly kind: 'column' | 'constraint' | 'index' | 'function'
  /** Empty for a function. */
  readonly table: string
  readonly name: string
  /** As Postgres prints it, without the name of the schema. */
  readonly definition: string
}

const statements = {
  column: listColumns,
  constraint: listConstraints,
  index: listIndexes,
  function: listFunctions,
} as const

/**
 * What a schema holds, leaves left out.
 * @param namespace its id
 * @param names what stands for the schema in definitions, quoted or not
 */
export async function readCatalog(
  client: ClientBase,
  namespace: string,
  names: readonly string[],
): Promise<readonly CatalogEntry[]> {
  const entries: CatalogEntry[] = []
  for (const [kind, text] of Object.entries(statements) as [CatalogEntry['kind'], string][]) {
    const { rows } = await client.query<CatalogRow>(text, [namespace])
    for (const { table, name, definition } of rows)
      entries.push({ kind, table, name, definition: withoutSchema(definition, names) })
  }
  return entries
}

/** In bodies of functions the quoted name stands alone as well, as part of a text. */
function withoutSchema(definition: string, names: readonly string[]): string {
  return names
    .reduce((text, name) => {
      const bare = new RegExp(`(?<![\\w$])${name.replaceAll(/[^\w]/g, String.raw`\$&`)}\\.`, 'g')
      return text.replaceAll(`"${name}"`, '<schema>').replaceAll(bare, '<schema>.')
    }, definition)
    .replaceAll('<schema>.', '')
    .replaceAll(/\s+/g, ' ')
}
