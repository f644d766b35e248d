import type { Knex } from 'knex'
import { migrationsFor, migrationsOf } from './all-migrations.ts'
import { applyMigrations, type RunStatement, revertMigrations } from './bookkeeping.ts'
import type { Migration, Part } from './migration.ts'

/** Which tables, and where. */
export type MigrationOptions = {
  readonly parts: readonly Part[]
  /** Default `backstitch`. It is created if need be, and may be the schema of the application’s own tables. */
  readonly schema?: string
}

/**
 * Makes the tables from a migration of the user’s own, in its transaction. What was made is recorded in the schema’s own bookkeeping
 * table, so that `backstitch migrate` later agrees. Calling it again does nothing, and after an upgrade of the package adds what is new.
 *
 * @throws `CONFIG_INVALID` for an unknown part or an unusable schema name
 * @example
 * // migrations/20260801_backstitch.ts of the application
 * import { down as dropTables, up as makeTables } from 'backstitch/migrations'
 * export const up = (knex: Knex) => makeTables(knex, { parts: ['outbox'], schema: 'backstitch' })
 * export const down = (knex: Knex) => dropTables(knex, { parts: ['outbox'], schema: 'backstitch' })
 */
export async function up(knex: Knex, options: MigrationOptions): Promise<void> {
  const { parts, schema = 'backstitch' } = options
  await inTransaction(knex, (run) => applyMigrations(run, migrationsFor(parts), schema))
}

/**
 * Drops the tables from a migration of the user’s own, in its transaction. Their data is lost; the schema itself stays,
 * and so does the audit trail unless the part `audit` is named.
 * @throws `CONFIG_INVALID`, `SCHEMA_NEWER`
 */
export async function down(knex: Knex, options: MigrationOptions): Promise<void> {
  const { parts, schema = 'backstitch' } = options
  await inTransaction(knex, (run) => revertMigrations(run, migrationsOf(parts), schema))
}

/**
 * The migrations as a source of knex’s own migrator, for those who want one entry per migration in knex’s table. Give that table a name of
 * its own (`tableName`) when the application has migrations of its own as well: knex expects one source to name all that its table holds.
 *
 * @throws `CONFIG_INVALID` for an unknown part
 * @example
 * await knex.migrate.latest({
 *   migrationSource: backstitchMigrationSource({ parts: ['outbox'] }),
 *   tableName: 'backstitch_knex_migration',
 * })
 */
export function backstitchMigrationSource(options: MigrationOptions): Knex.MigrationSource<Migration> {
  const { parts, schema = 'backstitch' } = options
  const migrations = migrationsFor(parts)
  return {
    getMigrations: () => Promise.resolve([...migrations]),
    getMigrationName: ({ name }) => `backstitch-${name}`,
    getMigration: (migration) =>
      Promise.resolve({
        up: (knex: Knex) => inTransaction(knex, (run) => applyMigrations(run, [migration], schema)),
        down: (knex: Knex) => inTransaction(knex, (run) => revertMigrations(run, [migration], schema)),
      }),
  }
}

/** A migration with `config = { transaction: false }` hands over the plain knex: ours run in a transaction of their own then. */
async function inTransaction<Result>(
  knex: Knex,
  work: (run: RunStatement) => Promise<Result>,
): Promise<Result> {
  if (knex.isTransaction !== true) return knex.transaction((tx) => inTransaction(tx, work))
  // knex takes each question mark for a parameter, unless it is escaped.
  return work((sql) => knex.raw<{ rows: Record<string, unknown>[] }>(sql.replaceAll('?', '\\?')))
}
