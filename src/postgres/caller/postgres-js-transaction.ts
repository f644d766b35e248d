import { type CallerLibrary, isFunction, noTransaction } from './caller-library.ts'

/** What `unsafe` of postgres.js resolves with: the rows, as an array that also knows their count. */
type Rows = unknown[] & { readonly count?: number }

/**
 * A transaction of postgres.js: what `begin` and `savepoint` hand to their function, or a reserved connection. It writes each value as the
 * type that the statement gives it (a text for `$1::jsonb` would become JSON once more), so our statements take texts and convert them
 * themselves.
 */
export const postgresJsTransaction: CallerLibrary = (candidate) => {
  const { unsafe } = candidate
  if (!isFunction(unsafe) || !isFunction(candidate)) return undefined
  if (!isFunction(candidate['savepoint']) && !isFunction(candidate['release']))
    throw noTransaction('This is a postgres.js instance, which is a pool: take the one that begin() gives')
  return {
    query: async (text, values = []) => {
      const rows = (await unsafe.call(candidate, text, [...values])) as Rows
      return { rows: [...rows] as never, rowCount: rows.count ?? null }
    },
  }
}
