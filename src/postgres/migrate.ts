import { Client, type ClientBase, type Pool } from 'pg'
import { migrationsFor, migrationsOf } from '../../migrations/all-migrations.ts'
import { applyMigrations, revertMigrations } from '../../migrations/bookkeeping.ts'
import type { Migration, Part } from '../../migrations/migration.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'
import { explainConnectionError } from './explain-connection-error.ts'
import { poolPlace } from './pool-place.ts'
import { defaultSchema } from './schema-name.ts'

/** What to migrate, and where. */
export type MigrateOptions = {
  /** A pool, or the URL of the database. */
  readonly database: Pool | string
  /** See `migrationsFor` for what each process needs. */
  readonly parts: readonly Part[]
  /** Default `backstitch`. It is created if need be. */
  readonly schema?: string
  /** `down` drops the tables of the parts, with their data; the audit trail only where `audit` is named. Default `up`. */
  readonly direction?: 'up' | 'down'
}

/**
 * Brings the tables of some parts up to this version of the package, or removes them. Each migration is one transaction and takes an
 * advisory lock (`migrationLockKey`), so that any number of processes may do this at the same time. What is applied already is passed over.
 *
 * @returns the names of the migrations that were applied (or reverted) here, in order
 * @throws `MIGRATION_FAILED` with the database and the cause, its transaction rolled back, those before it kept; `SCHEMA_NEWER`, `CONFIG_INVALID`,
 *   `DATABASE_UNREACHABLE`, `DATABASE_REFUSED`
 * @example
 * await migrate({ database: pool, parts: ['outbox', 'inbox'] })
 */
export async function migrate(options: MigrateOptions): Promise<readonly string[]> {
  const { database, parts, schema = defaultSchema, direction = 'up' } = options
  const ordered = direction === 'up' ? migrationsFor(parts) : migrationsOf(parts).toReversed()
  const step = direction === 'up' ? applyMigrations : revertMigrations
  return withClient(database, async (client, place) => {
    const done: string[] = []
    for (const migration of ordered)
      done.push(...(await runMigration(client, migration, schema, step, { place, done })))
    return done
  })
}

async function runMigration(
  client: ClientBase,
  migration: Migration,
  schema: string,
  step: typeof applyMigrations,
  so: { readonly place: string; readonly done: readonly string[] },
): Promise<readonly string[]> {
  try {
    await client.query('begin')
    const done = await step((sql) => client.query(sql), [migration], schema)
    await client.query('commit')
    return done
  } catch (cause) {
    // The cause counts, even when the connection is gone and the server rolls back by itself.
    await client.query('rollback').catch(() => undefined)
    if (isBackstitchError(cause)) throw cause
    const before = so.done.length === 0 ? '' : ` (done before it: ${so.done.join(', ')})`
    throw new BackstitchError(
      'MIGRATION_FAILED',
      `${so.place}: ${migration.name} in the schema ${schema}: ${reasonOf(cause)}${before}`,
      {
        cause,
        details: { database: so.place, migration: migration.name, schema, done: [...so.done] },
      },
    )
  }
}

async function withClient<Result>(
  database: Pool | string,
  work: (client: ClientBase, place: string) => Promise<Result>,
): Promise<Result> {
  if (typeof database === 'string') {
    const client = new Client({ connectionString: database })
    // A lost connection fails the statement under way; without a listener the event would end the process as well.
    client.on('error', () => undefined)
    try {
      const place = `${client.host}:${client.port}/${client.database ?? ''}`
      await client.connect().catch(explainConnectionError(place))
      return await work(client, place)
    } finally {
      await client.end()
    }
  }
  const place = poolPlace(database)
  const client = await database.connect().catch(explainConnectionError(place))
  const ignore = (): void => undefined
  client.on('error', ignore)
  let failed = true
  try {
    const result = await work(client, place)
    failed = false
    return result
  } finally {
    client.off('error', ignore)
    client.release(failed)
  }
}
