import { BackstitchError } from '../../kernel/errors.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'

/**
 * Recognises the transactions of one library by their shape, so that none of the libraries is needed to be there.
 * @returns `undefined`: it is nothing of this library
 * @throws `TRANSACTION_UNSUPPORTED` it is something of this library that has no open transaction
 */
export type CallerLibrary = (candidate: Readonly<Record<PropertyKey, unknown>>) => SqlExecutor | undefined

/** The error for something that has no open transaction. */
export function noTransaction(what: string): BackstitchError {
  return new BackstitchError('TRANSACTION_UNSUPPORTED', what)
}

/** Whether it is a function, whatever it takes. */
export function isFunction(value: unknown): value is (...args: readonly unknown[]) => unknown {
  return typeof value === 'function'
}
