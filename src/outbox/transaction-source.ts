/**
 * What opens transactions: a knex, Kysely or Drizzle instance, a data source of TypeORM, a Prisma client, a postgres.js instance. A pool of
 * `pg` does too, see `createOutbox`.
 */
export type TransactionSource =
  | { $transaction(...args: never[]): unknown }
  | { begin(...args: never[]): unknown }
  | { transaction(...args: never[]): unknown }

/** The transactions that a {@link TransactionSource} opens: what it hands to the function that works in them. */
export type TransactionOf<Source> =
  OpenerOf<Source> extends () => { execute: infer Execute }
    ? HandedTo<Execute> // Kysely
    : HandedTo<OpenerOf<Source>>

type OpenerOf<Source> = Source extends { $transaction: infer Open }
  ? Open
  : Source extends { begin: infer Open }
    ? Open
    : Source extends { transaction: infer Open }
      ? Open
      : never

/** What a function hands to the work that is among its arguments. */
type HandedTo<Open> = Open extends (...args: infer Arguments) => unknown
  ? Extract<Arguments[number], (tx: never) => unknown> extends (tx: infer Tx) => unknown
    ? Tx
    : never
  : never
