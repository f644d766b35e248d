import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { SagaInput } from '../machine/saga-input.ts'
import type { SagaState } from '../machine/saga-state.ts'
import type { SagaMachine } from './machine-port.ts'
import type { SagaCause } from './saga-cause.ts'
import type { SagaInHand, SagaWriter } from './saga-writer.ts'
import type { DefinitionRegistry } from './definition-registry.ts'

/** What moves sagas. */
export type MoveTools = {
  readonly registry: DefinitionRegistry
  readonly machine: SagaMachine
  readonly writer: SagaWriter
  /** What the database said when the outcome of the machine was written: it is not asked again, the saga is parked. */
  readonly failWith?: BackstitchError
}

/** A saga that was parked for a failure of this process, for the log. */
export type ParkedSaga = { readonly sagaId: string; readonly reason: string }

/**
 * Moves one saga by one input. A failure (a state that cannot be read, a fault of the machine, a command too large to send) parks the
 * saga: it must never hold up the messages of others.
 * @returns the failure, if there was one
 */
export function moveSaga(
  saga: SagaInHand,
  definition: SagaDefinition,
  input: SagaInput,
  cause: SagaCause,
  { machine, writer, failWith }: MoveTools,
): BackstitchError | undefined {
  try {
    if (failWith) throw failWith
    writer.record(saga, machine.advance(definition, JSON.parse(saga.state) as SagaState, input), cause)
    return undefined
  } catch (thrown) {
    const failure = failureOf(thrown, `${saga.name} v${saga.version}, saga ${saga.id}`)
    writer.park(saga, failure)
    return failure
  }
}

/** The failure as an error with a code. */
export function failureOf(thrown: unknown, place: string): BackstitchError {
  if (isBackstitchError(thrown)) return thrown
  return new BackstitchError('SAGA_MESSAGE_FAILED', `${place}: ${reasonOf(thrown)}`, { cause: thrown })
}
