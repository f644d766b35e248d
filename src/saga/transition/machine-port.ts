import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { SagaTransition } from '../machine/saga-effect.ts'
import type { SagaInput } from '../machine/saga-input.ts'
import type { SagaState } from '../machine/saga-state.ts'

/** The pure machine, as the shell calls it (see {@link file://../machine/saga-machine.ts}). */
export type SagaMachine = {
  /** @throws `MESSAGE_INVALID` when the input does not fit the definition */
  startSaga(definition: SagaDefinition, input: unknown): SagaTransition
  /** @throws `SAGA_STATE_REFUSES` when an operator asks for what the state does not allow */
  advance(definition: SagaDefinition, state: SagaState, input: SagaInput): SagaTransition
}
