import { BackstitchError } from '../../../kernel/errors.ts'
import { isUuid } from '../../../kernel/ids.ts'
import { chooseOrchestratorDatabase } from '../../../runtime/from-config/choose-databases.ts'
import { createSagaOperator } from '../../../runtime/saga-operator.ts'
import type { SagaSummary } from '../../../saga/operator/saga-operator-store.ts'
import type { SagaOperator } from '../../../saga/operator/saga-operator.ts'
import type { CommandContext } from '../../command-context.ts'
import { renderTable } from '../../output/render-table.ts'

/** How people name a saga. */
export const sagaArgument = 'its id, or <name>/<business key>'

/** Works with the sagas of the configuration’s orchestrator database. */
export function withOperator<Result>(
  { config, withPool }: CommandContext,
  work: (operator: SagaOperator) => Promise<Result>,
): Promise<Result> {
  const database = chooseOrchestratorDatabase(config)
  const sagas = config.orchestrator?.sagas ?? []
  return withPool(database, (pool) =>
    work(createSagaOperator({ database: pool, schema: database.schema, sagas })),
  )
}

/** People know a saga by its name and business key. @throws `SAGA_NOT_FOUND` */
export async function idOf(operator: SagaOperator, words: string): Promise<string> {
  const slash = words.indexOf('/')
  if (slash > 0) return operator.find(words.slice(0, slash), words.slice(slash + 1))
  if (isUuid(words)) return words.toLowerCase()
  throw new BackstitchError('SAGA_NOT_FOUND', `"${words}" is neither an id nor <name>/<business key>`)
}

/** Sagas as a table. */
export function sagaTable(sagas: readonly SagaSummary[]): string {
  return renderTable(
    ['id', 'saga', 'key', 'status', 'started', 'updated', 'reason'],
    sagas.map(({ id, name, version, businessKey, status, startedAt, updatedAt, reason }) => ({
      id,
      saga: `${name} v${version}`,
      key: businessKey,
      status,
      started: startedAt,
      updated: updatedAt,
      reason,
    })),
  )
}
