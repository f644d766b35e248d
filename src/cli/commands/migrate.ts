import { Argument, type Command } from 'commander'
import { allParts } from '../../../migrations/all-migrations.ts'
import type { Part } from '../../../migrations/migration.ts'
import { sqlFor } from '../../../migrations/sql-for.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { migrate } from '../../postgres/migrate.ts'
import { defaultSchema } from '../../postgres/schema-name.ts'
import { chooseDatabases, selectDatabases } from '../../runtime/from-config/choose-databases.ts'
import { partsOf } from '../../runtime/from-config/parts-of.ts'
import type { CliIo } from '../cli-io.ts'
import { type CommandContext, commandContext, listOf } from '../command-context.ts'

type Options = {
  readonly parts?: readonly Part[]
  readonly database?: readonly string[]
  readonly sql?: boolean
  readonly yes?: boolean
}

/** What was done in one database. */
type Result = {
  readonly database: string
  readonly schema: string
  readonly direction: 'up' | 'down'
  readonly migrations: readonly string[]
}

/** `backstitch migrate [up|down]`: the tables of one or more databases. */
export function addMigrateCommand(program: Command, io: CliIo): void {
  program
    .command('migrate')
    .description(
      'make the tables, or bring them up to this version; safe to repeat and to run at the same time',
    )
    .addArgument(
      new Argument('[direction]', '`down` drops the tables with their data')
        .choices(['up', 'down'])
        .default('up'),
    )
    .option('--parts <list>', `of ${allParts.join(',')} (default: see below)`, listOf)
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .option('--sql', 'print the SQL instead of running it; needs no database')
    .option('--yes', 'confirm `down`')
    .addHelpText(
      'after',
      `
Without --parts a database gets the parts that the configuration lists for it, else outbox, inbox, participant and audit, and the database
of the configuration's orchestrator saga and timer as well. The outbox brings the audit trail with it; down leaves the trail where it is
unless the part audit is named.

Examples:
  backstitch migrate --parts outbox,inbox
  backstitch migrate --sql --schema messaging | psql shop
  backstitch migrate down --database orders --yes`,
    )
    .action(async (direction: 'up' | 'down', options: Options, command: Command) => {
      const context = await commandContext(io, command)
      if (options.sql === true) io.out(printed(context, direction, options))
      else await run(context, direction, options)
    })
}

function printed(
  { config, options: { schema } }: CommandContext,
  direction: 'up' | 'down',
  options: Options,
): string {
  const needsNone = config.databases.length === 0 && options.database === undefined
  const wanted = needsNone
    ? [{ name: '', schema: schema ?? defaultSchema, parts: partsOf(config, undefined) }]
    : selectDatabases(config, { names: options.database }).map((database) => ({
        ...database,
        parts: partsOf(config, database),
      }))
  return wanted
    .map(({ name, ...database }) => {
      const sql = sqlFor({ direction, schema: database.schema, parts: options.parts ?? database.parts })
      return wanted.length > 1 ? `-- database: ${name}\n${sql}` : sql
    })
    .join('\n')
}

async function run(
  { config, withPool, print }: CommandContext,
  direction: 'up' | 'down',
  options: Options,
): Promise<void> {
  const databases = chooseDatabases(config, { names: options.database })
  if (direction === 'down' && options.yes !== true)
    throw new BackstitchError(
      'CONFIRMATION_MISSING',
      `migrate down would drop tables of ${databases.map(({ name }) => name).join(', ')}`,
    )
  const results: Result[] = []
  const done = direction === 'up' ? 'applied' : 'reverted'
  const tell = (): void =>
    print(results, (all) =>
      all
        .map(
          ({ database, schema, migrations }) =>
            `${database}, schema ${schema}: ${migrations.length === 0 ? 'nothing to do' : `${done} ${migrations.join(', ')}`}\n`,
        )
        .join(''),
    )
  for (const database of databases) {
    const { name, schema } = database
    const parts = options.parts ?? partsOf(config, database)
    try {
      const migrations = await withPool(database, (pool) =>
        migrate({ database: pool, parts, schema, direction }),
      )
      results.push({ database: name, schema, direction, migrations })
    } catch (thrown) {
      // What was done in the databases before it is done.
      if (results.length > 0) tell()
      throw thrown
    }
  }
  tell()
}
