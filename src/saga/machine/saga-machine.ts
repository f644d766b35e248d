import { validateBody } from '../../message/validate.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import { goOn } from './course-machine.ts'
import { jsonCopy } from './json-copy.ts'
import { cancelSaga, compensateSaga, holdSaga, resolveSaga, resumeSaga } from './desk-machine.ts'
import { retryLegs, skipLeg, substituteResult } from './operator-machine.ts'
import { takeReply } from './reply-machine.ts'
import type { SagaTransition } from './saga-effect.ts'
import type { SagaInput } from './saga-input.ts'
import type { SagaState } from './saga-state.ts'
import { ownerOf } from './stop-machine.ts'
import { takeTimer } from './timer-machine.ts'
import { record, takeTurn } from './turn.ts'

/*
 * The saga machine is pure: (definition, state, input) -> (state, effects), without I/O, clock or randomness. The shell loads the state, runs
 * it, and stores the new state together with all effects in one transaction.
 */

/**
 * Begins a saga: its first steps are sent, or the saga is parked where the first mapper fails.
 *
 * @param input as the caller gave it; what the schema makes of it is `state.input` (and `definition.key(state.input)` its business key)
 * @throws `MESSAGE_INVALID` when the input does not fit
 */
export function startSaga(definition: SagaDefinition, input: unknown): SagaTransition {
  const owner = ownerOf(definition)
  const validated = jsonCopy(validateBody(definition.input, input, owner), owner)
  return takeTurn(definition, (turn) => {
    record(turn, 'started', null)
    return goOn(turn, { status: 'running', input: validated, stopped: [], steps: {} })
  })
}

/**
 * Moves a saga by one input. Replies and timers never make it throw: what does not fit the definition parks this one saga.
 *
 * @throws `SAGA_STATE_REFUSES`, `SAGA_DEFINITION_UNKNOWN` for an operator’s verb that the state or the definition does not allow
 * @example
 * const { state, changed, effects } = advance(placeOrder, stored, {
 *   kind: 'reply', step: 'reserve', direction: 'do', round: 1, attempt: 1, outcome: 'ok', body: { reservationId: 'r-1' },
 * })
 */
export function advance(definition: SagaDefinition, state: SagaState, input: SagaInput): SagaTransition {
  return takeTurn(definition, (turn) => {
    switch (input.kind) {
      case 'reply':
        return takeReply(turn, state, input)
      case 'timer':
        return takeTimer(turn, state, input)
      case 'retry':
        return retryLegs(turn, state, input)
      case 'skip':
        return skipLeg(turn, state, input)
      case 'substitute':
        return substituteResult(turn, state, input)
      case 'resolve':
        return resolveSaga(turn, state, input)
      default:
        return courseVerbs[input.kind](turn, state, input)
    }
  })
}

const courseVerbs = {
  cancel: cancelSaga,
  compensate: compensateSaga,
  hold: holdSaga,
  resume: resumeSaga,
} as const
