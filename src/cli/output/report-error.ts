import { inspect } from 'node:util'
import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'

/**
 * What a command that failed prints: `CODE: what happened. Where. What to do.`, and with `verbose` the stack and the causes too.
 * Errors that are none of ours get the code `UNEXPECTED`.
 */
export function reportError(thrown: unknown, verbose: boolean): string {
  const error = isBackstitchError(thrown)
    ? thrown
    : new BackstitchError('UNEXPECTED', reasonOf(thrown), { cause: thrown })
  return verbose ? `${error.message}\n${inspect(thrown, { depth: 6 })}\n` : `${error.message}\n`
}
