import type { ClientBase } from 'pg'
import type { Migration } from '../../../migrations/migration.ts'
import { findTemporaryNamespace } from '../queries/doctor/find-namespace.ts'
import { type CatalogEntry, readCatalog } from './catalog.ts'

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
    // the first temporary table of a session makes its schema; the alias `pg_temp` is none to `regnamespace`
    await client.query('create temporary table backstitch_doctor () on commit drop')
    const { rows } = await client.query<{ id: string; name: string }>(findTemporaryNamespace)
    const [schema] = rows
    if (!schema) return []
    await client.query('drop table backstitch_doctor')
    for (const migration of migrations)
      for (const statement of migration.up(`"${schema.name}"`)) await client.query(statement)
    return await readCatalog(client, schema.id, [schema.name, 'pg_temp'])
  } finally {
    await client.query('rollback')
  }
}
