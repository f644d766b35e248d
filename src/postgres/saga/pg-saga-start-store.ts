import type { SagaStartStore } from '../../saga/start/saga-start-store.ts'
import { toExecutor } from '../caller/to-executor.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { findByKeys, type KeyRecord } from '../queries/saga/find-by-keys.ts'
import { hasSagaTables } from '../queries/saga/has-saga-tables.ts'
import { writeTransitions } from '../queries/saga/write-transitions.ts'
import { quoteSchema } from '../schema-name.ts'
import { transitionParameters } from './transition-parameters.ts'

/** Starts sagas through the caller’s transaction in Postgres. */
export function pgSagaStartStore(schemaName: string): SagaStartStore {
  const schema = quoteSchema(schemaName)
  const write = writeTransitions(schema)
  const find = findByKeys(schema)
  const explain = explainSqlError(`the saga tables of the schema ${schemaName}`)
  return {
    isHere: async (tx) => {
      const { rows } = await toExecutor(tx).query<{ here: boolean }>(hasSagaTables, [
        `${schema}.saga_instance`,
      ])
      return rows[0]?.here === true
    },
    start: async (tx, writes) => {
      const { rows } = await toExecutor(tx)
        .query<{ id: string }>(write, transitionParameters(writes))
        .catch(explain)
      return new Set(rows.map(({ id }) => id))
    },
    findByKeys: async (tx, name, keys) => {
      const { rows } = await toExecutor(tx).query<KeyRecord>(find, [name, keys]).catch(explain)
      return new Map(rows.map(({ business_key: key, saga_id: id }) => [key, id]))
    },
  }
}
