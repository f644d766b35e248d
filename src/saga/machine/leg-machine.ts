import { backoffMs } from '../../kernel/backoff.ts'
import type { CompiledStep, RetryPolicy, SagaDefinition } from '../definition/saga-definition.ts'
import type { LegName, LegState, SagaState, StepState } from './saga-state.ts'
import { record, type Turn } from './turn.ts'

/** How a leg is carried out: the step itself, or its undo (which has neither phase nor undo). */
export type LegPlan = Pick<CompiledStep, 'command' | 'timeoutMs' | 'retry'> &
  Partial<Pick<CompiledStep, 'phase' | 'undo'>>

/** A leg with its name. */
export type NamedLeg = LegName & { readonly leg: LegState }

/** The leg, if it was begun. */
export function legAt(state: SagaState, { step, direction }: LegName): LegState | undefined {
  // The name may come off the wire: `constructor` is no step.
  return Object.hasOwn(state.steps, step) ? state.steps[step]?.[direction] : undefined
}

/** The legs that were begun, in the order of their steps. */
function legsOf(state: SagaState): readonly NamedLeg[] {
  return Object.entries(state.steps).flatMap(([step, entry]): NamedLeg[] => [
    { step, direction: 'do', leg: entry.do },
    ...(entry.undo ? [{ step, direction: 'undo' as const, leg: entry.undo }] : []),
  ])
}

/** The legs that wait for their answers: each has a timer. */
export function waitingLegs(state: SagaState): readonly NamedLeg[] {
  return legsOf(state).filter(({ leg }) => leg.status === 'sent')
}

/**
 * The legs that have waited long enough while the saga was parked, so that nothing was made of it yet. (A step that stayed without an answer
 * before the saga turned is among what is undone.)
 */
export function overdueLegs(state: SagaState): readonly NamedLeg[] {
  if (state.status !== 'parked') return []
  const isOpen = ({ direction, leg }: NamedLeg): boolean =>
    leg.status === 'unknown' && (direction === 'undo' || state.turnedBy === undefined)
  return legsOf(state).filter(isOpen)
}

/** The state with the leg put in, and what more is to be known of its step. */
export function withLeg(
  state: SagaState,
  { step, direction }: LegName,
  leg: LegState,
  more: Partial<Pick<StepState, 'undoBy' | 'after'>> = {},
): SagaState {
  const entry = { after: [], do: leg, ...state.steps[step], [direction]: leg, ...more }
  return { ...state, steps: { ...state.steps, [step]: entry } }
}

/** How the definition carries the leg out; nothing where it was edited so that it no longer has it. */
export function planOf(definition: SagaDefinition, { step, direction }: LegName): LegPlan | undefined {
  const compiled = stepOf(definition, step)
  return direction === 'do' ? compiled : compiled?.undo
}

/** The step of this name, nothing where the definition has lost it. */
export function stepOf(definition: SagaDefinition, name: string): CompiledStep | undefined {
  return definition.steps.find((step) => step.name === name)
}

/** Whether the definition was edited in place so that the leg would be sent as another command than the one its request is for. */
export function sendsAnother({ command }: LegPlan, leg: LegState): boolean {
  const { command: sent } = leg
  return sent !== undefined && (sent.name !== command.name || sent.version !== command.version)
}

/**
 * Sends the leg and arms its timer. The request is in the state that is stored with this effect.
 *
 * The undo is named with the first attempt of a round: what that attempt may have done is undone by no other command, whatever the definition
 * says by the time of a later attempt.
 */
export function sendLeg(
  turn: Turn,
  state: SagaState,
  at: LegName,
  plan: LegPlan,
  leg: Pick<LegState, 'round' | 'attempt' | 'request' | 'key'>,
): SagaState {
  const { round, attempt, request, key } = leg
  const { step, direction } = at
  const address = { step, direction, round, attempt }
  turn.effects.push(
    { kind: 'send', ...address, command: plan.command, request, key },
    { kind: 'schedule', ...address, afterMs: waitMs(plan, attempt) },
  )
  record(turn, 'sent', address)
  const undo = attempt === 1 ? plan.undo?.command : undefined
  return withLeg(
    state,
    at,
    { status: 'sent', round, attempt, request, key, command: nameOf(plan.command) },
    undo && { undoBy: nameOf(undo) },
  )
}

function nameOf({ name, version }: LegPlan['command']): { readonly name: string; readonly version: number } {
  return { name, version }
}

/** Which try of its policy an attempt is, from 1: an operator’s retry goes on counting the attempts, and has all tries again. */
export function tryOf(retry: RetryPolicy, attempt: number): number {
  return ((attempt - 1) % retry.attemptsMax) + 1
}

function waitMs({ timeoutMs, retry }: LegPlan, attempt: number): number {
  const tries = tryOf(retry, attempt)
  const longer = tries === 1 ? 0 : backoffMs(tries - 1, retry.backoff)
  return Math.min(timeoutMs + longer, 2 ** 31 - 1)
}
