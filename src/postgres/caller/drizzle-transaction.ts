import { type CallerLibrary, isFunction, noTransaction } from './caller-library.ts'

/** What drivers behind Drizzle resolve with: the result of `pg`, or the rows of postgres.js. */
type Result = { readonly rows?: unknown[]; readonly rowCount?: number | null; readonly count?: number }

/**
 * A transaction of Drizzle on Postgres, with whichever driver. `execute` takes a wrapper of SQL, which is asked for the text and the values
 * that go to the driver.
 */
export const drizzleTransaction: CallerLibrary = (candidate) => {
  const { execute, rollback } = candidate
  if (!isFunction(execute) || !isFunction(candidate['select'])) return undefined
  if (!isFunction(rollback)) throw noTransaction('This is a Drizzle database, not a transaction of it')
  return {
    query: async (text, values = []) => {
      const built = { sql: text, params: [...values] }
      const statement = { getSQL: () => ({ toQuery: () => built }) }
      const result = (await execute.call(candidate, statement)) as Result | (unknown[] & Result)
      const rows = Array.isArray(result) ? [...result] : (result.rows ?? [])
      return { rows: rows as never, rowCount: result.rowCount ?? result.count ?? null }
    },
  }
}
