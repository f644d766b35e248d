import type { CallerTransaction } from '../../kernel/caller-transaction.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import { type CallerLibrary, noTransaction } from './caller-library.ts'
import { drizzleTransaction } from './drizzle-transaction.ts'
import { knexTransaction } from './knex-transaction.ts'
import { kyselyTransaction } from './kysely-transaction.ts'
import { pgClient } from './pg-client.ts'
import { postgresJsTransaction } from './postgres-js-transaction.ts'
import { prismaTransaction } from './prisma-transaction.ts'
import { typeormTransaction } from './typeorm-transaction.ts'

/** In an order in which the more telling shapes come first: nearly everything has a `query`. */
const libraries: readonly CallerLibrary[] = [
  prismaTransaction,
  kyselyTransaction,
  drizzleTransaction,
  knexTransaction,
  postgresJsTransaction,
  typeormTransaction,
  pgClient,
]

/**
 * Makes one executor of whatever transaction the caller has: of `pg`, knex, Kysely, Drizzle, postgres.js, Prisma or TypeORM, or an object
 * with `query(text, values)`. What runs its statements on a connection of its choice (a pool, an instance of one of these libraries) is
 * refused.
 *
 * @throws `TRANSACTION_UNSUPPORTED`
 */
export function toExecutor(tx: CallerTransaction): SqlExecutor {
  const candidate: unknown = tx
  if ((typeof candidate !== 'object' && typeof candidate !== 'function') || candidate === null)
    throw noTransaction(`It is ${candidate === null ? 'null' : `a ${typeof candidate}`}`)
  for (const library of libraries) {
    const executor = library(candidate as Readonly<Record<PropertyKey, unknown>>)
    if (executor) return executor
  }
  throw noTransaction(
    `It is ${typeof candidate === 'object' ? 'an object' : 'a function'} without query(text, values)`,
  )
}
