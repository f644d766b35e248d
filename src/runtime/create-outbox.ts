import type { Pool, PoolClient } from 'pg'
import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import { type Outbox, outboxOver, type OutboxSettings } from '../outbox/outbox.ts'
import type { TransactionRunner } from '../outbox/transaction-runner.ts'
import type { TransactionOf, TransactionSource } from '../outbox/transaction-source.ts'
import type { UnitOfWork } from '../outbox/unit-of-work.ts'
import { transactionsOf } from '../postgres/caller/transactions-of.ts'
import { pgOutboxStore } from '../postgres/pg-outbox-store.ts'
import { pgOutboxTransactions } from '../postgres/pg-outbox-transactions.ts'
import { defaultSchema } from '../postgres/schema-name.ts'

/** {@link Outbox}, which opens transactions by itself, in whatever library. */
export type ServiceOutbox = Omit<Outbox, 'transaction'> & {
  /**
   * Runs work in a transaction with a {@link UnitOfWork}: what is enqueued in it, by `outbox.enqueue(message)` wherever the work leads, is
   * inserted with one statement before the commit. After the commit `onCommitted` is told.
   *
   * @param database opens the transaction: a pool of `pg` (the messages then travel with the commit, without a round trip of their own), a
   *   knex, Kysely, Drizzle or postgres.js instance, a Prisma client, a data source of TypeORM, or a function that does it
   * @returns what the work resolves with
   * @throws what the work or the commit rejects with; then nothing was written. `TRANSACTION_UNSUPPORTED`
   * @example
   * await outbox.transaction(prisma, async (tx) => {
   *   await tx.order.create({ data: order })
   *   await outbox.enqueue(OrderPlaced.create(order))
   * })
   */
  transaction<Result>(
    database: Pool,
    work: (tx: PoolClient, unit: UnitOfWork<PoolClient>) => Promise<Result>,
  ): Promise<Result>
  transaction<Source extends TransactionSource, Result>(
    database: Source,
    work: (tx: TransactionOf<Source>, unit: UnitOfWork<TransactionOf<Source>>) => Promise<Result>,
  ): Promise<Result>
  transaction<Tx extends CallerTransaction, Result>(
    database: TransactionRunner<Tx>,
    work: (tx: Tx, unit: UnitOfWork<Tx>) => Promise<Result>,
  ): Promise<Result>
}

/** What {@link createOutbox} takes. */
export type OutboxOptions = Omit<OutboxSettings, 'clock'> & {
  /** Where the tables are. Default `backstitch`. */
  readonly schema?: string
  /**
   * Clients of `pg` prepare the insert once for each connection, which saves the server about half of its work on it. Default false: a pooler
   * in transaction mode must know of prepared statements (PgBouncer does from 1.21 on, with `max_prepared_statements`).
   */
  readonly preparedStatements?: boolean
}

/**
 * Makes the write side of a service’s outbox. It has no connection of its own: each message is written through the caller’s transaction, of
 * `pg`, knex, Kysely, Drizzle, postgres.js, Prisma, TypeORM, or through an object with `query(text, values)`.
 *
 * @throws `CONFIG_INVALID` when the schema’s name or the limit of the backlog is unusable
 * @example
 * const outbox = createOutbox({ service: 'orders' })
 * await outbox.transaction(pool, async (tx) => {
 *   await tx.query('insert into orders (order_id, total) values ($1, $2)', [order.orderId, order.total])
 *   await outbox.enqueue(OrderPlaced.create(order))
 * })
 */
export function createOutbox(options: OutboxOptions): ServiceOutbox {
  const { schema = defaultSchema, preparedStatements = false, ...settings } = options
  const store = pgOutboxStore(schema, { preparedStatements })
  const outbox = outboxOver(store, settings)
  const sourceOf = (database: Pool | TransactionSource | TransactionRunner<never>) => {
    if ('totalCount' in database) return pgOutboxTransactions(database, store)
    // instances of postgres.js and knex are functions too
    const isRunner = typeof database === 'function' && !('unsafe' in database) && !('raw' in database)
    return isRunner ? database : transactionsOf(database as TransactionSource)
  }
  const transaction = async (
    database: Parameters<typeof sourceOf>[0],
    work: (tx: never, unit: never) => Promise<unknown>,
  ): Promise<unknown> => outbox.transaction(sourceOf(database), work as Parameters<Outbox['transaction']>[1])
  return { ...outbox, transaction: transaction as ServiceOutbox['transaction'] }
}
