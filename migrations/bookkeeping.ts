import { allMigrations } from './all-migrations.ts'
import { migrationError } from './migration-error.ts'
import type { Migration, Part } from './migration.ts'
import { schemaIdentifier } from './schema-identifier.ts'

/**
 * The advisory lock that every migration takes in its transaction, in any of the ways to run it: the bytes of `backstit` as a bigint.
 * It is released with the transaction, so it works through connection poolers too.
 */
export const migrationLockKey = 7_089_056_601_607_530_868n

/** Runs one statement inside an open transaction. */
export type RunStatement = (sql: string) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>

/** What the bookkeeping table says of one migration. */
export type AppliedMigration = { readonly name: string; readonly part: string }

/** Takes the lock and makes the schema and the bookkeeping table if need be, as plain SQL. */
export function prepareStatements(schema: string): readonly string[] {
  return [
    `select pg_advisory_xact_lock(${migrationLockKey})`,
    // `create schema if not exists` needs the right to create schemas even where it exists.
    `do $prepare$ begin
  if to_regnamespace('${schema}') is null then
    create schema ${schema};
  end if;
end $prepare$`,
    `create table if not exists ${schema}.backstitch_migration (
  name text primary key,
  part text not null,
  applied_at timestamptz not null default clock_timestamp()
)`,
  ]
}

/** Records that a migration was applied. */
export function recordStatement(schema: string, { name, part }: Migration): string {
  return `insert into ${schema}.backstitch_migration (name, part) values ('${name}', '${part}')`
}

/** Records that a migration was reverted. */
export function forgetStatement(schema: string, { name }: Migration): string {
  return `delete from ${schema}.backstitch_migration where name = '${name}'`
}

/** Drops the bookkeeping table once it is empty. */
export function tidyStatement(schema: string): string {
  return `do $tidy$ begin
  if not exists (select from ${schema}.backstitch_migration) then
    drop table ${schema}.backstitch_migration;
  end if;
end $tidy$`
}

/** The applied migrations, in order. Fails with SQLSTATE 42P01 or 3F000 where nothing was ever migrated. */
export function listAppliedStatement(schema: string): string {
  return `select name, part from ${schema}.backstitch_migration order by name`
}

/**
 * Applies those of the migrations that are not applied yet, in the open transaction of `run`.
 * @returns the names of what it applied
 * @throws `CONFIG_INVALID` for an unusable schema name; whatever `run` throws
 */
export async function applyMigrations(
  run: RunStatement,
  migrations: readonly Migration[],
  schemaName: string,
): Promise<readonly string[]> {
  const schema = schemaIdentifier(schemaName)
  for (const statement of prepareStatements(schema)) await run(statement)
  const applied = await listApplied(run, schema)
  const pending = migrations.filter(({ name }) => !applied.some((other) => other.name === name))
  for (const migration of pending) {
    for (const statement of migration.up(schema)) await run(statement)
    await run(recordStatement(schema, migration))
  }
  return pending.map(({ name }) => name)
}

/**
 * Reverts those of the migrations that are applied, the last first, in the open transaction of `run`. Their data is lost. The bookkeeping
 * table goes with the last one; the schema stays.
 * @returns the names of what it reverted
 * @throws `CONFIG_INVALID` for an unusable schema name; `SCHEMA_NEWER` when a later version of the package has added to the same parts
 */
export async function revertMigrations(
  run: RunStatement,
  migrations: readonly Migration[],
  schemaName: string,
): Promise<readonly string[]> {
  const schema = schemaIdentifier(schemaName)
  for (const statement of prepareStatements(schema)) await run(statement)
  const applied = await listApplied(run, schema)
  assertNoneNewer(
    applied,
    migrations.map(({ part }) => part),
    schemaName,
  )
  const due = migrations.filter(({ name }) => applied.some((other) => other.name === name)).toReversed()
  for (const migration of due) {
    for (const statement of migration.down(schema)) await run(statement)
    await run(forgetStatement(schema, migration))
  }
  await run(tidyStatement(schema))
  return due.map(({ name }) => name)
}

/**
 * Refuses a database in which one of these parts has migrations that this code does not have.
 * @throws `SCHEMA_NEWER`
 */
export function assertNoneNewer(
  applied: readonly AppliedMigration[],
  parts: readonly Part[],
  schemaName: string,
): void {
  const newer = applied.filter(
    ({ name, part }) =>
      parts.some((own) => own === part) && !allMigrations.some((known) => known.name === name),
  )
  if (newer.length > 0)
    throw migrationError(
      'SCHEMA_NEWER',
      'The tables were made by a newer version of backstitch than this process.',
      `The schema ${schemaName} has ${newer.map(({ name }) => name).join(', ')}`,
      'Deploy the newer version of the package.',
    )
}

async function listApplied(run: RunStatement, schema: string): Promise<readonly AppliedMigration[]> {
  const { rows } = await run(listAppliedStatement(schema))
  return rows.map((row) => ({ name: String(row['name']), part: String(row['part']) }))
}
