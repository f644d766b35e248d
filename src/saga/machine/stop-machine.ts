import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import { waitingLegs, withLeg } from './leg-machine.ts'
import type { LegName, LegState, SagaState } from './saga-state.ts'
import { record, type Turn } from './turn.ts'

/** What a saga is called in reasons and errors. */
export function ownerOf({ name, version }: SagaDefinition): string {
  return `${name} v${version}`
}

/** Parks the saga over a leg, where an operator sees it. Other legs that are on their way may still arrive; nothing is begun. */
export function stop(turn: Turn, state: SagaState, at: LegName, failure: BackstitchError): SagaState {
  const { step, direction } = at
  const reason = reasonOf(failure)
  record(turn, 'parked', { step, direction }, { reason })
  const stopped = [...letGo(state, at).stopped, { step, direction, reason }]
  return { ...state, status: 'parked', stopped, reason: stopped[0]?.reason ?? reason }
}

/** Parks the saga over a leg that no longer waits: its timer goes. */
export function stopLeg(
  turn: Turn,
  state: SagaState,
  at: LegName,
  leg: LegState,
  failure: BackstitchError,
): SagaState {
  turn.effects.push({ kind: 'cancel', step: at.step, direction: at.direction })
  return stop(turn, withLeg(state, at, leg), at, failure)
}

/**
 * The state of a saga that its shell parks, for a failure that is not the machine’s to judge. Its timers go; what waits is taken up when an
 * answer or an operator lets the saga go on.
 */
export function interrupted(state: SagaState, reason: string): SagaState {
  let next: SagaState = { ...state, status: 'parked', reason }
  for (const { leg, ...at } of waitingLegs(state)) next = withLeg(next, at, { ...leg, status: 'unknown' })
  return next
}

/** Whether nothing may be begun until an answer or an operator comes. */
export function isHalted({ stopped, held }: SagaState): boolean {
  return stopped.length > 0 || held !== undefined
}

/** Whether nothing moves it any more. */
export function hasEnded({ status }: SagaState): boolean {
  return status === 'completed' || status === 'compensated'
}

/** Whether the saga is parked over this leg. */
export function isStopped({ stopped }: SagaState, { step, direction }: LegName): boolean {
  return stopped.some((one) => one.step === step && one.direction === direction)
}

/** The saga without this leg among those that have stopped. */
export function letGo(state: SagaState, at: LegName): SagaState {
  if (!isStopped(state, at)) return state
  const stopped = state.stopped.filter((one) => one.step !== at.step || one.direction !== at.direction)
  const [first] = stopped
  return { ...state, stopped, ...(first && { reason: first.reason }) }
}

/** An error that names the saga and the leg. */
export function failureAt(
  definition: SagaDefinition,
  code: ErrorCode,
  { step, direction }: LegName,
  what: string,
  cause?: unknown,
): BackstitchError {
  const place = direction === 'do' ? `step ${step}` : `undo of ${step}`
  return new BackstitchError(code, `${ownerOf(definition)}, ${place}: ${what}`, { cause })
}

/** The definition was edited in place, without a new version. */
export function lostFrom(definition: SagaDefinition, at: LegName): BackstitchError {
  return failureAt(definition, 'SAGA_DEFINITION_UNKNOWN', at, 'it is not in the definition any more')
}

/** The definition was edited in place, so that it would send another command with the request that was made for this one. */
export function changedFrom(definition: SagaDefinition, at: LegName, { command }: LegState): BackstitchError {
  const sent = command === undefined ? 'it' : `${command.name} v${command.version}`
  return failureAt(
    definition,
    'SAGA_DEFINITION_UNKNOWN',
    at,
    `${sent} was sent, and the definition sends another command now`,
  )
}
