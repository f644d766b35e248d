import { BackstitchError } from '../../kernel/errors.ts'
import { changedFrom, courseOf, goBack, goForward, lostFrom, ownerOf } from './course-machine.ts'
import { type LegName, legAt, planOf, sendLeg, sendsAnother, stepIndex, withLeg } from './leg-machine.ts'
import type { OperatorInput } from './saga-input.ts'
import type { SagaState } from './saga-state.ts'
import { record, type Turn } from './turn.ts'

/**
 * Tries the leg that parked the saga once more, with all the attempts of its policy.
 *
 * After a known outcome, a rejection, it begins the next round: within the old one the participant would only repeat its answer. While
 * the outcome is unknown it stays in the round, so that whatever has happened there is not done twice. A leg whose mapper failed was never
 * sent: its mapper runs again.
 *
 * @throws `SAGA_STATE_REFUSES` unless parked, `SAGA_DEFINITION_UNKNOWN` when the definition has lost the step, or sends another
 *   command than the one that the stored request was made for
 */
export function retryLeg(turn: Turn, state: SagaState, input: OperatorInput): SagaState {
  const at = parkedAt(turn, state, input)
  const plan = planOf(turn.definition, at)
  if (plan === undefined) throw lostFrom(turn.definition, at)
  const leg = legAt(state, at)
  if (leg !== undefined && sendsAnother(plan, leg)) throw changedFrom(turn.definition, at, leg)
  note(turn, 'retried', at, input)
  if (leg === undefined)
    return at.direction === 'do'
      ? goForward(turn, state, stepIndex(turn.definition, at.step))
      : goBack(turn, state)
  const next =
    leg.status === 'rejected'
      ? { round: leg.round + 1, attempt: 1 }
      : { round: leg.round, attempt: leg.attempt + 1 }
  return sendLeg(turn, courseOf(state, at), at, plan, { ...leg, ...next })
}

/**
 * Passes over the leg that parked the saga: the operator vouches for it. An undo that is skipped leaves its step as it is, and
 * compensation goes on; a step that is skipped has no result (`done.<step>` is `undefined`), and the saga goes forward. Should it be
 * compensated later, a skipped step that may have run is undone like any other.
 *
 * @throws `SAGA_STATE_REFUSES` unless parked, `SAGA_DEFINITION_UNKNOWN` when the definition has lost the step, so that nobody knows the next one
 */
export function skipLeg(turn: Turn, state: SagaState, input: OperatorInput): SagaState {
  const at = parkedAt(turn, state, input)
  const index = stepIndex(turn.definition, at.step)
  if (at.direction === 'do' && index < 0) throw lostFrom(turn.definition, at)
  note(turn, 'skipped', at, input)
  const round = legAt(state, { step: at.step, direction: 'do' })?.round ?? 1
  const leg = legAt(state, at) ?? { round, attempt: 0, request: null, key: '' }
  const skipped = withLeg(state, at, { ...leg, status: 'skipped' })
  return at.direction === 'do' ? goForward(turn, skipped, index + 1) : goBack(turn, skipped)
}

function parkedAt(turn: Turn, state: SagaState, { kind }: OperatorInput): LegName {
  if (state.status !== 'parked' || state.cursor === null)
    throw new BackstitchError(
      'SAGA_STATE_REFUSES',
      `${ownerOf(turn.definition)}: ${kind} is for parked sagas, this one is ${state.status}`,
    )
  return state.cursor
}

function note(turn: Turn, entry: 'retried' | 'skipped', at: LegName, { reason, actor }: OperatorInput): void {
  record(turn, entry, at, { reason, actor })
}
