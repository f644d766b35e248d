import type { SqlExecutor } from './sql-executor.ts'

/** A statement that is not waited for before the commit. Where it fails nothing is committed, and the transaction rejects with its error. */
export type LastStatement = {
  readonly text: string
  readonly values: readonly string[]
  /** A name under which a connection may prepare it. */
  readonly name?: string
  /** The same with its values in the text. */
  literal(): string
}

/**
 * A condition in SQL: the statement is within a transaction of {@link Database} that has begun. A begin may fail (cancelled, or out of memory) while
 * the statement behind it arrives, which would then be committed alone.
 */
export const transactionBegan = `current_setting('backstitch.began', true) = 'yes'`

/** How one transaction runs. */
export type TransactionOptions = {
  /** Default: that of the connection. */
  readonly isolation?: 'read committed'
  /**
   * The server ends the session of a transaction that is left idle for longer, so that a frozen process does not keep its locks.
   * Default: that of the connection.
   */
  readonly idleMsMax?: number
  /**
   * The first statement of the work does nothing unless {@link transactionBegan} holds: then it need not wait for the begin, and goes to the
   * server together with it where the connection is pipelined. Default: false.
   */
  readonly isFirstGuarded?: boolean
  /** When it aborts, the connection is cut: the transaction rejects with the signal’s reason, and what was done in it is rolled back. */
  readonly signal?: AbortSignal
  /** What goes to the server together with the commit, asked for when the work has resolved. Default: nothing. */
  readonly last?: () => LastStatement | undefined
}

/** Where transactions of our own run: the port to one database. */
export type Database = {
  /**
   * Runs the work in a transaction, which is committed when the work resolves and rolled back when it rejects.
   *
   * When the connection is lost during the commit nobody knows whether it happened: the call rejects with `DATABASE_UNREACHABLE`, and the
   * work must be such that it can be done again.
   *
   * @throws what the work threw; `DATABASE_UNREACHABLE`, `DATABASE_REFUSED`, `DATABASE_FAILING`, `DATABASE_IS_STANDBY`,
   *   `TRANSACTION_CONFLICT` where the database is the reason, whatever the work made of it; `TRANSACTION_ABORTED` when the work swallowed
   *   the error of a statement
   */
  readonly transaction: <Result>(
    work: (tx: SqlExecutor) => Promise<Result>,
    options?: TransactionOptions,
  ) => Promise<Result>
}

/** Query builders wrap the errors of a driver once or twice. */
const causesMax = 5

/**
 * The SQLSTATE of an error that a database server sent, or of the one that caused it; codes of other origin do not come with a severity.
 */
export function sqlStateOf(thrown: unknown): string | undefined {
  let error = thrown
  for (let depth = 0; depth < causesMax && typeof error === 'object' && error !== null; depth++) {
    const { code, severity, cause } = error as { code?: unknown; severity?: unknown; cause?: unknown }
    if (typeof code === 'string' && typeof severity === 'string') return code
    error = cause
  }
  return undefined
}
