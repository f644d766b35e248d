import { newId } from '../../kernel/ids.ts'
import { type CallerLibrary, isFunction, noTransaction } from './caller-library.ts'

/**
 * A transaction of Kysely, by `transaction()` or `startTransaction()`. Plugins are left out: one that renames columns would rename those of
 * our statements too.
 */
export const kyselyTransaction: CallerLibrary = (candidate) => {
  if (!isFunction(candidate['executeQuery'])) return undefined
  if (candidate['isTransaction'] !== true)
    throw noTransaction('This is a Kysely instance, not a transaction of it')
  const { withoutPlugins } = candidate
  const plain = (isFunction(withoutPlugins) ? withoutPlugins.call(candidate) : candidate) as {
    executeQuery(query: object): Promise<{ rows: unknown[]; numAffectedRows?: bigint }>
  }
  return {
    query: async (text, values = []) => {
      const { rows, numAffectedRows } = await plain.executeQuery({
        sql: text,
        parameters: values,
        query: { kind: 'RawNode', sqlFragments: [text], parameters: [] },
        queryId: { queryId: newId() },
      })
      return { rows: rows as never, rowCount: numAffectedRows === undefined ? null : Number(numAffectedRows) }
    },
  }
}
