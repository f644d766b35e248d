import { migrationsFor, migrationsOf } from './all-migrations.ts'
import { forgetStatement, prepareStatements, recordStatement, tidyStatement } from './bookkeeping.ts'
import type { MigrationOptions } from './knex-migrations.ts'
import { schemaIdentifier } from './schema-identifier.ts'

/**
 * The migrations as one script of plain SQL, for review or for a database that only its administrator may change. It runs in one
 * transaction, records what it did like all the other ways, and fails as a whole where a table is there already.
 *
 * @param options `direction`: default `up`
 * @throws `CONFIG_INVALID` for an unknown part or an unusable schema name
 * @example
 * process.stdout.write(sqlFor({ parts: ['outbox', 'inbox'], schema: 'backstitch', direction: 'up' })) // then: psql --file
 */
export function sqlFor(options: MigrationOptions & { readonly direction?: 'up' | 'down' }): string {
  const { parts, direction = 'up' } = options
  const schema = schemaIdentifier(options.schema ?? 'backstitch')
  const migrations = direction === 'up' ? migrationsFor(parts) : migrationsOf(parts)
  const steps =
    direction === 'up'
      ? migrations.map((migration) => ({
          name: migration.name,
          statements: [...migration.up(schema), recordStatement(schema, migration)],
        }))
      : migrations.toReversed().map((migration) => ({
          name: migration.name,
          statements: [...migration.down(schema), forgetStatement(schema, migration)],
        }))
  return [
    `-- backstitch: ${direction}, parts ${parts.join(', ')}`,
    'begin;',
    ...prepareStatements(schema).map((statement) => `${statement};`),
    ...steps.flatMap(({ name, statements }) => [
      '',
      `-- ${name}`,
      ...statements.map((statement) => `${statement};`),
    ]),
    ...(direction === 'down' ? ['', `${tidyStatement(schema)};`] : []),
    '',
    'commit;',
    '',
  ].join('\n')
}
