import { BackstitchError } from '../kernel/errors.ts'

/** SQLSTATEs of a table, column, function or schema that is not there. */
const missing = new Set(['42P01', '42703', '42883', '3F000'])

/**
 * Turns what a statement of ours threw into an error that says what to do: missing tables become `SCHEMA_MISSING`; all else passes as it is.
 * @param place the table or part the statement works on
 * @example await tx.query(...).catch(explainSqlError('backstitch.outbox'))
 */
export function explainSqlError(place: string): (thrown: unknown) => never {
  return (thrown) => {
    const code = (thrown as { code?: unknown } | null)?.code
    if (typeof code === 'string' && missing.has(code))
      throw new BackstitchError('SCHEMA_MISSING', `${place}: ${(thrown as Error).message}`, { cause: thrown })
    throw thrown
  }
}
