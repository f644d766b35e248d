import { goOn, turnBack } from './course-machine.ts'
import { legAt, overdueLegs, planOf, sendLeg, sendsAnother, tryOf, withLeg } from './leg-machine.ts'
import type { TimerInput } from './saga-input.ts'
import type { LegName, SagaState } from './saga-state.ts'
import { changedFrom, failureAt, isHalted, isStopped, lostFrom, stopLeg } from './stop-machine.ts'
import { record, type Turn } from './turn.ts'

/**
 * Takes a timer that fired: the attempt has waited long enough. The command is sent again with the same request until its attempts are
 * spent; then a compensatable step is undone, since it may have happened, and every other leg parks the saga. Once the saga undoes, a step
 * that is still on its way forward is not sent again but undone.
 *
 * A timer fires by the clock alone, whether or not its command was published yet or its answer waits unread on the topic. Sending early does
 * no harm, since all attempts of a round share one effect at the participant, and any of their answers settles the leg.
 */
export function takeTimer(turn: Turn, state: SagaState, timer: TimerInput): SagaState {
  const leg = legAt(state, timer)
  if (leg?.status !== 'sent' || leg.round !== timer.round || leg.attempt !== timer.attempt) return state
  record(turn, 'timed-out', timer)
  // While the saga is parked over another leg nothing is sent: it is taken up when the saga goes on.
  const unknown = withLeg(state, timer, { ...leg, status: 'unknown' })
  return state.status === 'parked' ? unknown : goOn(turn, takeSilence(turn, unknown, timer))
}

/** Goes on, and where the saga was parked takes up first what has waited long enough meanwhile. */
export function resume(turn: Turn, state: SagaState): SagaState {
  if (isHalted(state)) return state
  let next = state
  for (const at of overdueLegs(state)) if (!isHalted(next)) next = takeSilence(turn, next, at)
  return goOn(turn, next)
}

/** A leg that is `unknown`: it is sent again, or that is what it stays. */
function takeSilence(turn: Turn, state: SagaState, at: LegName): SagaState {
  const leg = legAt(state, at)
  if (leg?.status !== 'unknown' || isStopped(state, at)) return state
  const plan = planOf(turn.definition, at)
  if (state.turnedBy !== undefined && at.direction === 'do') return withoutTimer(turn, state, at)
  if (plan === undefined) return stopLeg(turn, state, at, leg, lostFrom(turn.definition, at))
  if (tryOf(plan.retry, leg.attempt) < plan.retry.attemptsMax)
    return sendsAnother(plan, leg)
      ? stopLeg(turn, state, at, leg, changedFrom(turn.definition, at, leg))
      : sendLeg(turn, state, at, plan, { ...leg, attempt: leg.attempt + 1 })
  const what = `no answer within ${leg.attempt} attempts`
  if (plan.phase !== 'compensatable')
    return stopLeg(turn, state, at, leg, failureAt(turn.definition, 'SAGA_STEP_UNANSWERED', at, what))
  const why = `step ${at.step} was not answered within ${leg.attempt} attempts`
  return turnBack(turn, withoutTimer(turn, state, at), why)
}

function withoutTimer(turn: Turn, state: SagaState, { step, direction }: LegName): SagaState {
  turn.effects.push({ kind: 'cancel', step, direction })
  return state
}
