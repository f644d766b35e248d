import { changedFrom, failureAt, lostFrom, parkLeg, turnBack } from './course-machine.ts'
import { legAt, planOf, sendLeg, sendsAnother, tryOf, withLeg } from './leg-machine.ts'
import type { TimerInput } from './saga-input.ts'
import type { LegState, SagaState } from './saga-state.ts'
import { record, type Turn } from './turn.ts'

/**
 * Takes a timer that fired: the attempt has waited long enough. The command is sent again with the same request until its attempts are
 * spent; then a compensatable step is undone, since it may have happened, and every other leg parks the saga.
 *
 * A timer fires by the clock alone, whether or not its command was published yet or its answer waits unread on the topic. Sending early does
 * no harm, since all attempts of a round share one effect at the participant, and any of their answers settles the leg.
 */
export function takeTimer(turn: Turn, state: SagaState, timer: TimerInput): SagaState {
  // The shell may park a saga whose leg still waits; then nothing is sent until an operator says so.
  if (state.status === 'parked') return state
  const leg = legAt(state, timer)
  if (leg?.status !== 'sent' || leg.round !== timer.round || leg.attempt !== timer.attempt) return state
  record(turn, 'timed-out', timer)
  const unknown: LegState = { ...leg, status: 'unknown' }
  const plan = planOf(turn.definition, timer)
  if (plan === undefined) return parkLeg(turn, state, timer, unknown, lostFrom(turn.definition, timer))
  if (tryOf(plan.retry, leg.attempt) < plan.retry.attemptsMax)
    return sendsAnother(plan, leg)
      ? parkLeg(turn, state, timer, unknown, changedFrom(turn.definition, timer, leg))
      : sendLeg(turn, state, timer, plan, { ...leg, attempt: leg.attempt + 1 })
  if (plan.phase === 'compensatable') {
    turn.effects.push({ kind: 'cancel', step: timer.step, direction: timer.direction })
    return turnBack(turn, withLeg(state, timer, unknown))
  }
  const what = `no answer within ${leg.attempt} attempts`
  return parkLeg(turn, state, timer, unknown, failureAt(turn.definition, 'SAGA_STEP_UNANSWERED', timer, what))
}
