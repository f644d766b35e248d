import { BackstitchError } from '../../kernel/errors.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { SagaStore, SetAsideRecord } from '../saga-store.ts'
import type { DeadLetter } from '../../inbox/dead-letter.ts'
import type { SagaWriter } from './saga-writer.ts'

/** What is written beside the transitions. */
export type OutcomeBeside = {
  readonly deadLetters: readonly DeadLetter[]
  readonly setAside: readonly SetAsideRecord[]
}

const nothingBeside: OutcomeBeside = { deadLetters: [], setAside: [] }

/**
 * Writes all that a fold came to.
 *
 * @returns the ids of the sagas that were created or updated
 * @throws `TRANSACTION_CONFLICT` when a saga has moved since it was loaded, so that the transaction is rolled back: its messages were
 *   claimed, and must not be committed without their effect
 */
export async function writeOutcome(
  store: SagaStore,
  tx: SqlExecutor,
  writer: SagaWriter,
  { deadLetters, setAside }: OutcomeBeside = nothingBeside,
): Promise<ReadonlySet<string>> {
  const writes = writer.writes()
  const hasMoved = writes.created.length + writes.updated.length > 0
  const [moved] = await Promise.all([
    hasMoved ? store.write(tx, writes) : new Set<string>(),
    deadLetters.length > 0 && store.deadLetter(tx, deadLetters),
    setAside.length > 0 && store.setAside(tx, setAside),
  ])
  const passed = writes.updated.find(({ id }) => !moved.has(id))
  if (passed) throw new BackstitchError('TRANSACTION_CONFLICT', `saga ${passed.id} moved since it was loaded`)
  return moved
}
