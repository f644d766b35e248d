import type { BackstitchError } from '../../kernel/errors.ts'
import { turnBack } from './course-machine.ts'
import { type LegPlan, legAt, planOf, withLeg } from './leg-machine.ts'
import { judgeReply, type ReplyVerdict } from './reply-verdict.ts'
import type { ReplyInput } from './saga-input.ts'
import type { LegState, SagaState } from './saga-state.ts'
import { failureAt, hasEnded, isStopped, letGo, lostFrom, stop, stopLeg } from './stop-machine.ts'
import { resume } from './timer-machine.ts'
import { record, type Turn } from './turn.ts'

/**
 * Takes an answer. It belongs to a leg by (step, round, direction): any attempt’s answer settles the leg, since all attempts of a round
 * share one effect at the participant. An answer to a leg that has parked the saga for want of one settles it too, and the saga goes on.
 */
export function takeReply(turn: Turn, state: SagaState, reply: ReplyInput): SagaState {
  const leg = legAt(state, reply)
  if (hasEnded(state) || leg === undefined || leg.round !== reply.round) return state
  if (!isOpen(state, reply, leg)) return noteLate(turn, state, leg, reply)

  const plan = planOf(turn.definition, reply)
  if (plan === undefined) return stopOnce(turn, state, reply, leg, lostFrom(turn.definition, reply))
  const verdict = judgeReply(plan.command, reply)
  if (verdict.kind === 'unreadable') {
    const failure = failureAt(turn.definition, 'SAGA_REPLY_INVALID', reply, verdict.fault)
    return stopOnce(turn, state, reply, leg, failure)
  }
  turn.effects.push({ kind: 'cancel', step: reply.step, direction: reply.direction })
  return verdict.kind === 'ok'
    ? takeOk(turn, state, reply, leg, verdict.result)
    : takeRejection(turn, state, reply, leg, plan, verdict)
}

/** Whether an answer still decides what becomes of the leg: it waits, or has waited long enough and nothing was made of that yet. */
function isOpen(state: SagaState, reply: ReplyInput, leg: LegState): boolean {
  if (leg.status === 'sent') return true
  if (leg.status !== 'unknown' || state.status !== 'parked') return false
  // a saga that undoes has made up its mind about what was not answered
  return reply.direction === 'undo' || state.turnedBy === undefined
}

function takeOk(turn: Turn, state: SagaState, reply: ReplyInput, leg: LegState, result: unknown): SagaState {
  record(turn, 'ok', reply)
  return resume(turn, letGo(withLeg(state, reply, { ...leg, status: 'ok', result }), reply))
}

function takeRejection(
  turn: Turn,
  state: SagaState,
  reply: ReplyInput,
  leg: LegState,
  plan: LegPlan,
  { name, detail, fault }: ReplyVerdict & { readonly kind: 'rejected' },
): SagaState {
  record(turn, 'rejected', reply, { name, detail })
  const settled = letGo(
    withLeg(state, reply, { ...leg, status: 'rejected', rejection: { name, detail } }),
    reply,
  )
  if (plan.phase !== 'compensatable' && plan.phase !== 'pivot')
    return stop(
      turn,
      settled,
      reply,
      failureAt(turn.definition, 'SAGA_STEP_REFUSED', reply, `rejected.${name}`),
    )
  if (fault !== undefined && !isUndoing(state, reply))
    return stop(turn, settled, reply, failureAt(turn.definition, 'SAGA_REPLY_INVALID', reply, fault))
  return resume(turn, turnBack(turn, settled, `step ${reply.step} was rejected: ${name}`))
}

/** Whether it answers a step that was on its way when the saga turned round. */
function isUndoing({ turnedBy }: SagaState, { direction }: ReplyInput): boolean {
  return turnedBy !== undefined && direction === 'do'
}

/** The leg keeps its doubt: an answer that can be read may still come. Where the saga is parked over that already, it is no wiser now. */
function stopOnce(
  turn: Turn,
  state: SagaState,
  reply: ReplyInput,
  leg: LegState,
  failure: BackstitchError,
): SagaState {
  if (isStopped(state, reply)) return state
  if (isUndoing(state, reply)) {
    // It may have happened: that is all that the way back has to know.
    turn.effects.push({ kind: 'cancel', step: reply.step, direction: reply.direction })
    return resume(turn, withLeg(state, reply, { ...leg, status: 'unknown' }))
  }
  return stopLeg(turn, state, reply, { ...leg, status: 'unknown' }, failure)
}

/**
 * The leg is settled, or the saga has gone on without its answer. The same answer again is nothing new. Another one is recorded and moves
 * nothing: what has happened after all is taken back by the undo, which meets it at the participant.
 */
function noteLate(turn: Turn, state: SagaState, leg: LegState, reply: ReplyInput): SagaState {
  const answer = reply.outcome === 'ok' ? 'ok' : 'rejected'
  if (leg.status !== answer) record(turn, 'late', reply, { outcome: reply.outcome.slice(0, 200) })
  return state
}
