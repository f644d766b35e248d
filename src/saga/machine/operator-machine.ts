import { BackstitchError } from '../../kernel/errors.ts'
import { legAt, overdueLegs, planOf, sendLeg, sendsAnother, stepOf, withLeg } from './leg-machine.ts'
import type { OperatorInput } from './saga-input.ts'
import type { LegName, SagaState } from './saga-state.ts'
import { changedFrom, letGo, lostFrom, ownerOf } from './stop-machine.ts'
import { resume } from './timer-machine.ts'
import { record, type Turn } from './turn.ts'

/**
 * Tries the legs that parked the saga once more, with all the attempts of their policies; of several, those of the step that is named.
 *
 * After a known outcome, a rejection, a leg begins the next round: within the old one the participant would only repeat its answer. While
 * the outcome is unknown it stays in the round, so that whatever has happened there is not done twice. A leg whose mapper failed was never
 * sent: its mapper runs again.
 *
 * @throws `SAGA_STATE_REFUSES` unless parked over such a leg, `SAGA_DEFINITION_UNKNOWN` when the definition has lost the step, or sends another
 *   command than the one that the stored request was made for
 */
export function retryLegs(turn: Turn, state: SagaState, input: OperatorInput): SagaState {
  const parked = state
  let next = state
  for (const at of meantBy(turn, state, input)) {
    const plan = planOf(turn.definition, at)
    if (plan === undefined) throw lostFrom(turn.definition, at)
    const leg = legAt(parked, at)
    if (leg !== undefined && sendsAnother(plan, leg)) throw changedFrom(turn.definition, at, leg)
    note(turn, 'retried', at, input)
    next = letGo(next, at)
    if (leg === undefined) continue
    const again =
      leg.status === 'rejected'
        ? { round: leg.round + 1, attempt: 1 }
        : { round: leg.round, attempt: leg.attempt + 1 }
    next = sendLeg(turn, next, at, plan, { ...leg, ...again })
  }
  return resume(turn, next)
}

/**
 * Passes over the leg that parked the saga: the operator vouches for it. An undo that is skipped leaves its step as it is, and
 * compensation goes on; a step that is skipped has no result (`done.<step>` is `undefined`), and the saga goes forward. Should it be
 * compensated later, a skipped step that may have run is undone like any other.
 *
 * @throws `SAGA_STATE_REFUSES` unless parked over such a leg, and where it is not the only one that could be meant;
 *   `SAGA_DEFINITION_UNKNOWN` when the definition has lost the step, so that nobody knows the next one
 */
export function skipLeg(turn: Turn, state: SagaState, input: OperatorInput): SagaState {
  const meant = meantBy(turn, state, input)
  const [at, ...others] = meant
  if (at === undefined) throw refusal(turn, 'there is no step to skip: retry lets the saga go on')
  if (others.length > 0)
    throw refusal(turn, `skip needs the name of one step, and several have stopped: ${namesOf(meant)}`)
  const step = stepOf(turn.definition, at.step)
  if (at.direction === 'do' && step === undefined) throw lostFrom(turn.definition, at)
  note(turn, 'skipped', at, input)
  const round = legAt(state, { step: at.step, direction: 'do' })?.round ?? 1
  const never = legAt(state, at) === undefined
  const leg = legAt(state, at) ?? { round, attempt: 0, request: null, key: '' }
  const more = never && at.direction === 'do' && step ? { after: step.after } : {}
  return resume(turn, letGo(withLeg(state, at, { ...leg, status: 'skipped' }, more), at))
}

/** The legs that have stopped; where the shell has parked the saga, those that waited. @throws `SAGA_STATE_REFUSES` */
function meantBy(turn: Turn, state: SagaState, { kind, step }: OperatorInput): readonly LegName[] {
  if (state.status !== 'parked')
    throw refusal(turn, `${kind} is for parked sagas, this one is ${state.status}`)
  const stopped: readonly LegName[] = state.stopped.length > 0 ? state.stopped : overdueLegs(state)
  const meant = step === undefined ? stopped : stopped.filter((at) => at.step === step)
  if (step !== undefined && meant.length === 0)
    throw refusal(
      turn,
      `${kind} of ${step.slice(0, 200)}: it has not stopped; these have: ${namesOf(stopped)}`,
    )
  return meant
}

function namesOf(legs: readonly LegName[]): string {
  return legs.map(({ step, direction }) => (direction === 'do' ? step : `undo of ${step}`)).join(', ')
}

function refusal(turn: Turn, what: string): BackstitchError {
  return new BackstitchError('SAGA_STATE_REFUSES', `${ownerOf(turn.definition)}: ${what}`)
}

function note(turn: Turn, entry: 'retried' | 'skipped', at: LegName, { reason, actor }: OperatorInput): void {
  record(turn, entry, at, { reason, actor })
}
