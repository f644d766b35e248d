import type { ClientBase } from 'pg'
import type { Migration } from '../../../migrations/migration.ts'
import { findTemporaryNamespace } from '../queries/doctor/find-namespace.ts'
import { type CatalogEntry, readCatalog } from './catalog.ts'

/** Where temporary tables go, in whichever schema of its own the session has for them. */
const temporary = 'pg_temp'

/**
 * What a schema holds after some migrations: they are run in the schema of the session’s temporary tables, read from the catalog, and rolled back.
 * So it is printed by the very server that the real schema is compared on, and needs no more than the right to make temporary tables.
 * @throws whatever Postgres throws, such as 42501 without that right
 */
export async function expectedCatalog(
  client: ClientBase,
  migrations: readonly Migration[],
): Promise<readonly CatalogEntry[]> {
  await client.query('begin')
  try {
    for (const migration of migrations)
      for (const statement of migration.up(`"${temporary}"`)) await client.query(statement)
    const { rows } = await client.query<{ id: string | null; name: string | null }>(
      `select f.id, n.nspname as name from (${findTemporaryNamespace}) f left join pg_namespace n on n.oid::text = f.id`,
    )
    const { id, name } = rows[0] ?? {}
    return id && name ? await readCatalog(client, id, [temporary, name]) : []
  } finally {
    await client.query('rollback')
  }
}
