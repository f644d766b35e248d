import { migrationsFor } from '../../migrations/all-migrations.ts'
import { assertNoneNewer, listAppliedStatement } from '../../migrations/bookkeeping.ts'
import type { Part } from '../../migrations/migration.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { defaultSchema, quoteSchema } from './schema-name.ts'

/** The least of a pool or client that the check needs. */
type Queryable = { query(text: string): Promise<{ rows: Record<string, unknown>[] }> }

/**
 * Checks that the tables which a process part needs are there in the version that this code knows. Parts call it when they start.
 * It reads only the bookkeeping table, whichever way the tables were made.
 *
 * @param options.pool a pool or a client
 * @param options.schema default `backstitch`
 * @throws `SCHEMA_MISSING` a part was never migrated, `SCHEMA_OUTDATED` a migration of it is missing, `SCHEMA_NEWER` it has one that
 *   this code does not know; whatever the pool throws when it has no connection
 */
export async function assertSchema(options: {
  readonly pool: Queryable
  readonly parts: readonly Part[]
  readonly schema?: string
}): Promise<void> {
  const { pool, parts, schema = defaultSchema } = options
  const wanted = migrationsFor(parts)
  const applied = await listApplied(pool, schema)
  assertNoneNewer(applied, parts, schema)
  const isApplied = ({ name }: { name: string }): boolean => applied.some((row) => row.name === name)
  const absent = parts.filter((part) => !applied.some((row) => row.part === part))
  if (absent.length > 0)
    throw new BackstitchError('SCHEMA_MISSING', `The schema ${schema} has no ${absent.join(', ')}`, {
      details: { schema, parts: absent },
    })
  const pending = wanted.filter((migration) => !isApplied(migration)).map(({ name }) => name)
  if (pending.length > 0)
    throw new BackstitchError('SCHEMA_OUTDATED', `The schema ${schema} lacks ${pending.join(', ')}`, {
      details: { schema, migrations: pending },
    })
}

/** SQLSTATEs of a table or schema that is not there: nothing was ever migrated. */
const missing = new Set(['42P01', '3F000'])

async function listApplied(pool: Queryable, schema: string): Promise<{ name: string; part: string }[]> {
  try {
    const { rows } = await pool.query(listAppliedStatement(quoteSchema(schema)))
    return rows.map((row) => ({ name: String(row['name']), part: String(row['part']) }))
  } catch (thrown) {
    const code = (thrown as { code?: unknown } | null)?.code
    if (typeof code === 'string' && missing.has(code)) return []
    throw thrown
  }
}
