import { BackstitchError } from '../../kernel/errors.ts'
import { legAt, overdueLegs, planOf, sendLeg, sendsAnother, stepOf, withLeg } from './leg-machine.ts'
import { judgeReply } from './reply-verdict.ts'
import type { OperatorInput, SubstituteInput } from './saga-input.ts'
import type { LegName, LegState, SagaState } from './saga-state.ts'
import { changedFrom, failureAt, letGo, lostFrom, ownerOf } from './stop-machine.ts'
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
  const at = theOneMeant(turn, state, input)
  if (at.direction === 'do' && stepOf(turn.definition, at.step) === undefined)
    throw lostFrom(turn.definition, at)
  note(turn, 'skipped', at, input)
  const leg = legAt(state, at) ?? neverSent(state, at)
  const skipped = withLeg(state, at, { ...leg, status: 'skipped' }, afterOf(turn, state, at))
  return resume(turn, letGo(skipped, at))
}

/**
 * Settles a leg that has stopped with a result that the operator gives, as if its answer had come.
 *
 * @throws `SAGA_STATE_REFUSES` as `skip` does, `SAGA_DEFINITION_UNKNOWN` when the definition has lost the step, `MESSAGE_INVALID` for a result
 *   that does not fit the contract
 */
export function substituteResult(turn: Turn, state: SagaState, input: SubstituteInput): SagaState {
  const at = theOneMeant(turn, state, input)
  const plan = planOf(turn.definition, at)
  if (plan === undefined) throw lostFrom(turn.definition, at)
  const verdict = judgeReply(plan.command, { direction: at.direction, outcome: 'ok', body: input.result })
  if (verdict.kind !== 'ok')
    throw failureAt(turn.definition, 'MESSAGE_INVALID', at, verdict.fault ?? 'no result')
  note(turn, 'substituted', at, input)
  const { rejection: _rejection, ...leg } = legAt(state, at) ?? neverSent(state, at)
  const settled = withLeg(
    state,
    at,
    { ...leg, status: 'ok', result: verdict.result },
    afterOf(turn, state, at),
  )
  return resume(turn, letGo(settled, at))
}

/** @throws `SAGA_STATE_REFUSES` where it is not clear which leg is meant */
function theOneMeant(turn: Turn, state: SagaState, input: OperatorInput | SubstituteInput): LegName {
  const meant = meantBy(turn, state, input)
  const [at, ...others] = meant
  if (at === undefined) throw refusal(turn, `there is no step to ${input.kind}: retry lets the saga go on`)
  if (others.length > 0)
    throw refusal(
      turn,
      `${input.kind} needs the name of one step, and several have stopped: ${namesOf(meant)}`,
    )
  return at
}

function neverSent(state: SagaState, { step }: LegName): Omit<LegState, 'status'> {
  return { round: legAt(state, { step, direction: 'do' })?.round ?? 1, attempt: 0, request: null, key: '' }
}

/** What a step waited for is stored when it begins; one whose mapper failed begins here. */
function afterOf(turn: Turn, state: SagaState, at: LegName): { readonly after?: readonly string[] } {
  const step = stepOf(turn.definition, at.step)
  return at.direction === 'do' && step && legAt(state, at) === undefined ? { after: step.after } : {}
}

/** The legs that have stopped; where the shell has parked the saga, those that waited. @throws `SAGA_STATE_REFUSES` */
function meantBy(
  turn: Turn,
  state: SagaState,
  { kind, step }: OperatorInput | SubstituteInput,
): readonly LegName[] {
  if (state.status !== 'parked')
    throw refusal(turn, `${kind} is for parked sagas, this one is ${state.status}`)
  if (state.held !== undefined) throw refusal(turn, `${kind}: it is held; resume it first`)
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

function note(
  turn: Turn,
  entry: 'retried' | 'skipped' | 'substituted',
  at: LegName,
  { reason, actor }: OperatorInput | SubstituteInput,
): void {
  record(turn, entry, at, { reason, actor })
}
