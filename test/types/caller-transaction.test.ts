import type { CallerTransaction, Message, Outbox, UnitOfWork } from 'backstitch'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Knex } from 'knex'
import type { Kysely, Transaction } from 'kysely'
import type { Client, Pool, PoolClient } from 'pg'
import type { ReservedSql, Sql, TransactionSql } from 'postgres'
import type { DataSource, EntityManager, QueryRunner } from 'typeorm'
import { expectTypeOf, test } from 'vitest'

// `tsc` checks this file.
type TransactionOf<Database extends { transaction(work: never): unknown }> = Parameters<
  Parameters<Database['transaction']>[0]
>[0]
type Accepts<Tx> = Tx extends CallerTransaction ? true : false
type PrismaClient = { $queryRawUnsafe(query: string): Promise<unknown>; $connect(): Promise<void> }

test('transactions of every library fit', () => {
  expectTypeOf<Accepts<Client>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<PoolClient>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<Knex.Transaction>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<Transaction<object>>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<TransactionOf<NodePgDatabase>>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<TransactionOf<PostgresJsDatabase>>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<TransactionSql>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<ReservedSql>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<Omit<PrismaClient, '$connect'>>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<EntityManager>>().toEqualTypeOf<true>()
  expectTypeOf<Accepts<QueryRunner>>().toEqualTypeOf<true>()
})

test('what has no transaction does not, where the types can tell', () => {
  expectTypeOf<Accepts<Pool>>().toEqualTypeOf<false>()
  expectTypeOf<Accepts<Kysely<object>>>().toEqualTypeOf<false>()
  expectTypeOf<Accepts<NodePgDatabase>>().toEqualTypeOf<false>()
  expectTypeOf<Accepts<PostgresJsDatabase>>().toEqualTypeOf<false>()
  expectTypeOf<Accepts<Sql>>().toEqualTypeOf<false>()
  expectTypeOf<Accepts<PrismaClient>>().toEqualTypeOf<false>()
  expectTypeOf<Accepts<DataSource>>().toEqualTypeOf<false>()
  expectTypeOf<Accepts<string>>().toEqualTypeOf<false>()
})

test('a unit of work has the transaction of whoever opened it', () => {
  type Prisma = PrismaClient & {
    $transaction(work: Promise<unknown>[]): Promise<unknown[]>
    $transaction<R>(
      work: (tx: Omit<Prisma, '$connect'>) => Promise<R>,
      options?: { timeout: number },
    ): Promise<R>
  }
  type Libraries = {
    pool: Pool
    knex: Knex
    kysely: Kysely<{ a: { b: 1 } }>
    drizzle: NodePgDatabase
    sql: Sql
    source: DataSource
    prisma: Prisma
  }
  const uses = (outbox: Outbox, libraries: Libraries, message: Message): Promise<unknown>[] => {
    const { pool, knex, kysely, drizzle, sql, source, prisma } = libraries
    return [
      outbox.transaction(pool, async (tx, unit) => {
        expectTypeOf(tx).toEqualTypeOf<PoolClient>()
        expectTypeOf(unit).toEqualTypeOf<UnitOfWork<PoolClient>>()
        return 5
      }),
      outbox.transaction(
        (work: (tx: Knex.Transaction) => Promise<void>) => knex.transaction(work),
        async (tx) => {
          expectTypeOf(tx).toEqualTypeOf<Knex.Transaction>()
          return 'x'
        },
      ),
      outbox.transaction(knex, async (tx) => expectTypeOf(tx).toEqualTypeOf<Knex.Transaction>()),
      outbox.transaction(kysely, async (tx) =>
        expectTypeOf(tx).toEqualTypeOf<Transaction<{ a: { b: 1 } }>>(),
      ),
      outbox.transaction(drizzle, async (tx) =>
        expectTypeOf(tx).toEqualTypeOf<TransactionOf<NodePgDatabase>>(),
      ),
      outbox.transaction(sql, async (tx) => expectTypeOf(tx).toEqualTypeOf<TransactionSql>()),
      outbox.transaction(source, async (tx) => expectTypeOf(tx).toEqualTypeOf<EntityManager>()),
      outbox.transaction(prisma, async (tx) => expectTypeOf(tx).toEqualTypeOf<Omit<Prisma, '$connect'>>()),
      // @ts-expect-error opens no transactions
      outbox.transaction({}, async () => 1),
      outbox.enqueue(message, { notBefore: '5m' }),
      // @ts-expect-error no duration
      outbox.enqueue(message, { notBefore: 'soon' }),
      // @ts-expect-error nothing to enqueue
      outbox.enqueue(),
    ]
  }
  expectTypeOf(uses).toBeFunction()
})
