/**
 * An open transaction of the caller, in whatever library it was opened: a client of `pg`, a transaction of knex, Kysely, Drizzle,
 * postgres.js, Prisma or TypeORM, or any object with `query(text, values)` that runs a statement in it.
 *
 * The compiler refuses what it can tell to be none (a pool, a Kysely or Prisma instance, a data source); the rest is found out where the
 * first statement runs, `TRANSACTION_UNSUPPORTED`.
 */
export type CallerTransaction =
  // pg: Client and PoolClient; TypeORM: EntityManager and QueryRunner; any executor of one’s own
  | {
      query(...args: never[]): unknown
      readonly totalCount?: never
      readonly createQueryRunner?: never
    }
  // knex
  | { raw(...args: never[]): unknown; readonly isTransaction?: boolean }
  // Kysely
  | { executeQuery(...args: never[]): unknown; readonly isTransaction: true }
  // Drizzle
  | { execute(...args: never[]): unknown; rollback(): never }
  // postgres.js: inside `begin` or `savepoint`, or a reserved connection
  | { unsafe(...args: never[]): unknown; savepoint(...args: never[]): unknown }
  | { unsafe(...args: never[]): unknown; release(): void }
  // Prisma: inside `$transaction`
  | { $queryRawUnsafe(...args: never[]): unknown; readonly $connect?: never }
