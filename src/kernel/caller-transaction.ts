/**
 * An open transaction of the caller: a `pg` client, a knex transaction, or any object with `query(text, values)`.
 * What it is exactly is found out where the first statement runs (`TRANSACTION_UNSUPPORTED` for anything else, pools included:
 * a pool has no transaction).
 */
export type CallerTransaction =
  | { query(...args: never[]): unknown }
  | { raw(...args: never[]): unknown; readonly isTransaction?: boolean }
