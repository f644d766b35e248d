import { type CallerLibrary, isFunction, noTransaction } from './caller-library.ts'

/**
 * An interactive transaction of Prisma: what `$transaction` hands to its function, which has no `$connect`. Prisma tells rows, not how many
 * rows a statement changed.
 */
export const prismaTransaction: CallerLibrary = (candidate) => {
  const { $queryRawUnsafe: queryRaw } = candidate
  if (!isFunction(queryRaw)) return undefined
  if (isFunction(candidate['$connect']))
    throw noTransaction('This is a Prisma client: take the one that $transaction(async (tx) => ...) gives')
  return {
    query: async (text, values = []) => {
      const rows = (await queryRaw.call(candidate, text, ...values)) as unknown[]
      return { rows: rows as never, rowCount: null }
    },
  }
}
