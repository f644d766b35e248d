import type { BackstitchError } from '../../kernel/errors.ts'
import { failureAt, goBack, goForward, lostFrom, park, parkLeg, turnBack } from './course-machine.ts'
import { type LegPlan, legAt, planOf, stepIndex, withLeg } from './leg-machine.ts'
import { judgeReply, type ReplyVerdict } from './reply-verdict.ts'
import type { ReplyInput } from './saga-input.ts'
import type { LegState, SagaState } from './saga-state.ts'
import { record, type Turn } from './turn.ts'

/**
 * Takes an answer. It belongs to a leg by (step, round, direction): any attempt’s answer settles the leg, since all attempts of a round
 * share one effect at the participant. An answer to the very leg that has parked the saga for want of one settles it too, and the saga goes on.
 */
export function takeReply(turn: Turn, state: SagaState, reply: ReplyInput): SagaState {
  const { cursor } = state
  const leg = legAt(state, reply)
  if (cursor === null || leg === undefined || leg.round !== reply.round) return state
  const isAtCursor = cursor.step === reply.step && cursor.direction === reply.direction
  if (!isAtCursor || (leg.status !== 'sent' && leg.status !== 'unknown'))
    return noteLate(turn, state, leg, reply)

  const plan = planOf(turn.definition, reply)
  if (plan === undefined) return parkOnce(turn, state, reply, leg, lostFrom(turn.definition, reply))
  const verdict = judgeReply(plan.command, reply)
  if (verdict.kind === 'unreadable') {
    const failure = failureAt(turn.definition, 'SAGA_REPLY_INVALID', reply, verdict.fault)
    return parkOnce(turn, state, reply, leg, failure)
  }
  turn.effects.push({ kind: 'cancel', step: reply.step, direction: reply.direction })
  return verdict.kind === 'ok'
    ? takeOk(turn, state, reply, leg, verdict.result)
    : takeRejection(turn, state, reply, leg, plan, verdict)
}

function takeOk(turn: Turn, state: SagaState, reply: ReplyInput, leg: LegState, result: unknown): SagaState {
  record(turn, 'ok', reply)
  const settled = withLeg(state, reply, { ...leg, status: 'ok', result })
  return reply.direction === 'do'
    ? goForward(turn, settled, stepIndex(turn.definition, reply.step) + 1)
    : goBack(turn, settled)
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
  const settled = withLeg(state, reply, { ...leg, status: 'rejected', rejection: { name, detail } })
  if (plan.phase !== 'compensatable' && plan.phase !== 'pivot')
    return park(turn, settled, failureAt(turn.definition, 'SAGA_STEP_REFUSED', reply, `rejected.${name}`))
  return fault === undefined
    ? turnBack(turn, settled)
    : park(turn, settled, failureAt(turn.definition, 'SAGA_REPLY_INVALID', reply, fault))
}

/** The leg keeps its doubt: an answer that can be read may still come. Where it is parked over that already, it is no wiser now. */
function parkOnce(
  turn: Turn,
  state: SagaState,
  reply: ReplyInput,
  leg: LegState,
  failure: BackstitchError,
): SagaState {
  if (state.status === 'parked') return state
  return parkLeg(turn, state, reply, { ...leg, status: 'unknown' }, failure)
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
