import type { CallerTransaction } from '../../kernel/caller-transaction.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { currentTrace, type TraceContextSource, withTrace } from '../../message/trace-context.ts'
import { outboxRowOf } from '../../outbox/outbox-row.ts'
import type { OutboxStore } from '../../outbox/outbox-store.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { SagaStarter } from '../definition/startable-saga.ts'
import type { SagaTransition } from '../machine/saga-effect.ts'
import { beginSaga } from '../transition/begin-saga.ts'
import type { SagaMachine } from '../transition/machine-port.ts'
import { causeOfStart } from '../transition/saga-cause.ts'
import { type CommandEncoding, sagaWriter } from '../transition/saga-writer.ts'
import type { SagaStartStore } from './saga-start-store.ts'
import { startMessage } from './start-message.ts'

/** What became of a start. */
export type SagaStart = {
  /**
   * The id of the saga with this business key. Where `started` is undefined it is the id that the saga will have, unless an earlier start
   * had the same key.
   */
  readonly id: string
  /**
   * `true`: it begins with the commit of this transaction. `false`: a saga with this business key was started before, and nothing happens.
   * `undefined`: this database has no tables of sagas, so the start travels as a message, and the orchestrator decides.
   */
  readonly started: boolean | undefined
}

/** A start whose input is validated. */
type Prepared = { readonly id: string; readonly key: string; readonly transition: SagaTransition }

/**
 * Makes the starter of sagas. It works through the caller’s transaction alone: the saga begins, or does not, with the domain change.
 *
 * In the database of the orchestrator (known by its tables, which no other database should have) the saga’s row, its first command and
 * its timer are written at once. Elsewhere one message goes to that database’s outbox, from which the orchestrator starts the saga.
 *
 * Business keys are taken in their order, whatever the order of the inputs, so that two transactions that start the same sagas wait for
 * each other; for a definition that is used for the first time nobody waits. Two transactions that call it several times, each in another order, can still block each other; Postgres
 * ends one of them with the SQLSTATE 40P01, as it does with 40001 where the caller’s transaction is REPEATABLE READ or SERIALIZABLE and the
 * key was taken meanwhile. Both are for the caller to retry, with the whole transaction.
 */
export function sagaStarter(tools: {
  readonly store: SagaStartStore
  readonly outbox: OutboxStore
  readonly machine: SagaMachine
  readonly encoding: CommandEncoding
  readonly traceContext: TraceContextSource
}): SagaStarter<SagaStart> {
  const { store, outbox, machine, encoding, traceContext } = tools

  const prepare = (definition: SagaDefinition, input: unknown): Prepared => {
    const transition = machine.startSaga(definition, input)
    return { id: newId(), key: definition.key(transition.state.input), transition }
  }

  const startHere = async (
    definition: SagaDefinition,
    tx: CallerTransaction,
    starts: readonly Prepared[],
  ): Promise<ReadonlyMap<string, string>> => {
    const writer = sagaWriter(encoding)
    const { name, version, hash, graph } = definition
    writer.define({ name, version, hash, graph })
    const trace = currentTrace(traceContext)
    for (const start of starts)
      beginSaga(writer, definition, start, start.transition, causeOfStart(start.id, trace))
    const started = await store.start(tx, writer.writes())
    const ids = new Map(starts.filter(({ id }) => started.has(id)).map(({ id, key }) => [key, id]))
    const others = starts.filter(({ key }) => !ids.has(key)).map(({ key }) => key)
    if (others.length === 0) return ids
    for (const [key, id] of await store.findByKeys(tx, name, others)) ids.set(key, id)
    return ids
  }

  const sendStarts = async (
    definition: SagaDefinition,
    tx: CallerTransaction,
    starts: readonly Prepared[],
  ): Promise<void> => {
    const rows = starts.map(({ id, key, transition }) =>
      outboxRowOf(
        withTrace(startMessage(definition, { id, key, input: transition.state.input }), traceContext),
        encoding.codec,
        encoding.limits,
      ),
    )
    await outbox.insert(tx, rows)
  }

  return async (definition, tx, inputs) => {
    const starts = inputs.map((input) => prepare(definition, input))
    if (!(await store.isHere(tx))) {
      await sendStarts(definition, tx, starts)
      return starts.map(({ id }) => ({ id, started: undefined }))
    }
    const idsByKey = await startHere(definition, tx, starts)
    return starts.map(({ id, key }) => {
      const existing = idsByKey.get(key)
      if (existing === undefined)
        throw new BackstitchError(
          'TRANSACTION_CONFLICT',
          `${definition.name}: the business key ${key} was taken meanwhile`,
        )
      return { id: existing, started: existing === id }
    })
  }
}
