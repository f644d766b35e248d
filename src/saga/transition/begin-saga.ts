import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { SagaTransition } from '../machine/saga-effect.ts'
import { type SagaCause, traceOf } from './saga-cause.ts'
import type { SagaWriter } from './saga-writer.ts'

/**
 * Adds a saga that begins: its row, its first command and its timer. Whether it is written depends on its business key, which the statement
 * decides.
 * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`
 */
export function beginSaga(
  writer: SagaWriter,
  definition: SagaDefinition,
  start: { readonly id: string; readonly key: string },
  transition: SagaTransition,
  cause: SagaCause,
): void {
  const { name, version, hash, orchestrator } = definition
  const { id, key: businessKey } = start
  const { status } = transition.state
  writer.record(
    {
      id,
      name,
      version,
      hash,
      orchestrator,
      businessKey,
      storedRevision: undefined,
      revision: 0,
      status,
      state: '',
      ...traceOf(cause),
    },
    transition,
    cause,
  )
}
