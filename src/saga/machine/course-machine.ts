import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import { jsonCopy } from './json-copy.ts'
import { type LegName, type LegPlan, sendLeg, withLeg } from './leg-machine.ts'
import type { LegState, SagaState, StepState } from './saga-state.ts'
import { record, type Turn } from './turn.ts'

/** What a saga is called in reasons and errors. */
export function ownerOf({ name, version }: SagaDefinition): string {
  return `${name} v${version}`
}

/** Begins the step at this place of the definition, or ends the saga where there is none. */
export function goForward(turn: Turn, state: SagaState, index: number): SagaState {
  const step = turn.definition.steps[index]
  if (step === undefined) return end(turn, state, 'completed')
  const at = { step: step.name, direction: 'do' } as const
  const running = courseOf(state, at)
  const prepared = prepare(turn, at, step, () =>
    step.with({ input: jsonCopy(state.input, at.step), done: resultsOf(state) }),
  )
  if ('failure' in prepared) return park(turn, running, prepared.failure)
  return sendLeg(turn, running, at, step, { round: 1, attempt: 1, ...prepared })
}

/**
 * Undoes the latest step that may have run and is not undone yet, or ends the saga where there is none. What was rejected has not run;
 * what was never sent, or has nothing to undo, names no undo.
 */
export function goBack(turn: Turn, state: SagaState): SagaState {
  for (const [step, entry] of Object.entries(state.steps).reverse())
    if (entry.undoBy !== undefined && entry.undo === undefined && entry.do.rejection === undefined)
      return beginUndo(turn, state, step, entry, entry.undoBy)
  return end(turn, state, 'compensated')
}

/** Turns round: records why, and undoes the first step. */
export function turnBack(turn: Turn, state: SagaState): SagaState {
  record(turn, 'compensating', null, { reason: whyUndone(state) })
  return goBack(turn, state)
}

/** The state under way at a leg again, with the reason that belongs to its direction. */
export function courseOf(state: SagaState, cursor: LegName): SagaState {
  const { input, steps } = state
  return cursor.direction === 'do'
    ? { status: 'running', input, cursor, steps }
    : { status: 'compensating', input, cursor, steps, reason: whyUndone(state) }
}

/** Stops at the cursor, where an operator sees it. */
export function park(turn: Turn, state: SagaState, failure: BackstitchError): SagaState {
  const reason = reasonOf(failure)
  record(turn, 'parked', state.cursor, { reason })
  return { ...state, status: 'parked', reason }
}

/** Parks a saga over a leg that no longer waits: its timer goes. */
export function parkLeg(
  turn: Turn,
  state: SagaState,
  at: LegName,
  leg: LegState,
  failure: BackstitchError,
): SagaState {
  turn.effects.push({ kind: 'cancel', step: at.step, direction: at.direction })
  return park(turn, withLeg(state, at, leg), failure)
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

function beginUndo(
  turn: Turn,
  state: SagaState,
  step: string,
  entry: StepState,
  undoBy: { readonly name: string; readonly version: number },
): SagaState {
  const at = { step, direction: 'undo' } as const
  const compensating = courseOf(state, at)
  const undo = turn.definition.steps.find(({ name }) => name === step)?.undo
  if (undo?.command.name !== undoBy.name || undo.command.version !== undoBy.version)
    return park(turn, compensating, lostFrom(turn.definition, at))
  const { round, status, request, result } = entry.do
  const prepared = prepare(turn, at, undo, () =>
    undo.with({
      input: jsonCopy(state.input, step),
      request: jsonCopy(request, step),
      ...(status === 'ok' && { result: jsonCopy(result, step) }),
    }),
  )
  if ('failure' in prepared) return park(turn, compensating, prepared.failure)
  return sendLeg(turn, compensating, at, undo, { round, attempt: 1, ...prepared })
}

function prepare(
  turn: Turn,
  at: LegName,
  plan: LegPlan,
  map: () => unknown,
): { readonly key: string; readonly request: unknown } | { readonly failure: BackstitchError } {
  try {
    const { key, request } = plan.command.prepare(map())
    return { key, request: jsonCopy(request, plan.command.name) }
  } catch (cause) {
    return { failure: failureAt(turn.definition, 'SAGA_MAPPER_FAILED', at, reasonOf(cause), cause) }
  }
}

function end(turn: Turn, state: SagaState, status: 'completed' | 'compensated'): SagaState {
  const { input, steps } = state
  record(turn, status, null)
  return {
    status,
    input,
    cursor: null,
    steps,
    ...(status === 'compensated' && { reason: whyUndone(state) }),
  }
}

function resultsOf(state: SagaState): Record<string, unknown> {
  const results: Record<string, unknown> = {}
  for (const [step, entry] of Object.entries(state.steps))
    if (entry.do.status === 'ok') results[step] = jsonCopy(entry.do.result, step)
  return results
}

/** The last step that was begun is the one that failed: its outcome is the reason, whatever has parked the saga in between. */
function whyUndone(state: SagaState): string {
  const [reason = ''] = Object.entries(state.steps)
    .slice(-1)
    .map(([step, { do: leg }]) =>
      leg.rejection === undefined
        ? `step ${step} was not answered within ${leg.attempt} attempts`
        : `step ${step} was rejected: ${leg.rejection.name}`,
    )
  return reason
}
