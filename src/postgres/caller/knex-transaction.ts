import { type CallerLibrary, isFunction, noTransaction } from './caller-library.ts'

/**
 * A transaction of knex. It numbers its own parameters: each `$n` becomes a `?` with the n-th value. Our statements hold no other question
 * mark.
 */
export const knexTransaction: CallerLibrary = (candidate) => {
  const { raw, isTransaction } = candidate
  if (!isFunction(raw)) return undefined
  if (isTransaction !== true) throw noTransaction('This is a knex instance, not a transaction of it')
  return {
    query: async (text, values = []) => {
      const bindings: unknown[] = []
      const sql = text.replace(/\$(\d+)/g, (_, n: string) => {
        bindings.push(values[Number(n) - 1])
        return '?'
      })
      return (await raw.call(candidate, sql, bindings)) as never
    },
  }
}
