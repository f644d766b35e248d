import { type BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { CompiledStep } from '../definition/saga-definition.ts'
import { jsonCopy } from './json-copy.ts'
import { type LegPlan, sendLeg, stepOf, waitingLegs, withLeg } from './leg-machine.ts'
import type { LegName, SagaState, StepState } from './saga-state.ts'
import { failureAt, isHalted, lostFrom, stop } from './stop-machine.ts'
import { record, type Turn } from './turn.ts'

/**
 * Goes on as far as the graph allows, forward or back: all that may begin is begun, and a saga with nothing left to do ends. While a leg
 * has stopped nothing is begun.
 */
export function goOn(turn: Turn, state: SagaState): SagaState {
  if (isHalted(state)) return state
  const { turnedBy, input, stopped, steps } = state
  return turnedBy === undefined
    ? goForward(turn, { status: 'running', input, stopped, steps })
    : goBack(turn, { status: 'compensating', input, stopped, steps, turnedBy, reason: turnedBy })
}

/**
 * Decides that the saga turns round, where it has not yet, and records why. {@link goOn} does it. A step of another branch that has stopped
 * needs no operator any more: it is undone, or was never sent.
 */
export function turnBack(turn: Turn, state: SagaState, why: string): SagaState {
  if (state.turnedBy !== undefined) return state
  record(turn, 'compensating', null, { reason: why })
  return { ...state, stopped: [], turnedBy: why }
}

/** Begins each step whose predecessors are all behind it. Steps stand after their predecessors, so one pass is enough. */
function goForward(turn: Turn, state: SagaState): SagaState {
  let next = state
  for (const step of turn.definition.steps) {
    if (Object.hasOwn(next.steps, step.name) || !step.after.every((name) => isBehind(next.steps[name])))
      continue
    next = beginStep(turn, next, step)
    if (next.stopped.length > 0) return next
  }
  if (waitingLegs(next).length > 0) return next
  const missing = turn.definition.steps.find(({ name }) => !isBehind(next.steps[name]))
  if (missing === undefined) return end(turn, next, 'completed')
  // Edited in place: the step waits for one that is not there any more.
  const at = { step: missing.name, direction: 'do' } as const
  const what = `it waits for ${missing.after.join(', ')}, and one of them is not in the definition any more`
  return stop(turn, next, at, failureAt(turn.definition, 'SAGA_DEFINITION_UNKNOWN', at, what))
}

/**
 * Undoes each step that ran, or may have run, and on which nothing stands any more. What is still on its way forward is waited for: its
 * answer tells what there is to undo. What was rejected has not run; what was never sent, or has nothing to undo, names no undo.
 */
function goBack(turn: Turn, state: SagaState): SagaState {
  let next = state
  let isDone = true
  // Steps begin after those that they stand on: from the latest to the earliest, all that stands on a step was looked at before it.
  const held = new Set<string>()
  for (const [name, entry] of Object.entries(state.steps).reverse()) {
    const stands = isStanding(entry)
    isDone &&= !stands
    if (stands || held.has(name)) for (const before of entry.after) held.add(before)
    if (!stands || held.has(name) || entry.do.status === 'sent' || entry.undo) continue
    next = beginUndo(turn, next, name, entry)
    if (next.stopped.length > 0) return next
  }
  return isDone ? end(turn, next, 'compensated') : next
}

/** Whether the steps after it may begin. */
function isBehind(entry: StepState | undefined): boolean {
  const status = entry?.do.status
  return status === 'ok' || status === 'skipped' || status === 'passed'
}

/** Whether a step is to be waited for on the way back, or to be undone. */
function isStanding({ do: leg, undo, undoBy }: StepState): boolean {
  if (leg.status === 'sent') return true
  const mayHaveRun = undoBy !== undefined && leg.rejection === undefined
  return mayHaveRun && undo?.status !== 'ok' && undo?.status !== 'skipped'
}

function beginStep(turn: Turn, state: SagaState, step: CompiledStep): SagaState {
  const at = { step: step.name, direction: 'do' } as const
  const { after } = step
  const seen = (): { input: unknown; done: Record<string, unknown> } => ({
    input: jsonCopy(state.input, at.step),
    done: resultsOf(state),
  })
  const wanted = mapped(turn, at, () => step.when?.(seen()) ?? true)
  if ('failure' in wanted) return stop(turn, state, at, wanted.failure)
  if (!wanted.value) {
    record(turn, 'passed', at)
    return withLeg(state, at, { status: 'passed', round: 1, attempt: 0, request: null, key: '' }, { after })
  }
  const prepared = mapped(turn, at, () => prepare(step, step.with(seen())))
  if ('failure' in prepared) return stop(turn, state, at, prepared.failure)
  const sent = sendLeg(turn, state, at, step, { round: 1, attempt: 1, ...prepared.value })
  const entry = sent.steps[at.step]
  return entry === undefined ? sent : { ...sent, steps: { ...sent.steps, [at.step]: { ...entry, after } } }
}

function beginUndo(turn: Turn, state: SagaState, step: string, { do: leg, undoBy }: StepState): SagaState {
  const at = { step, direction: 'undo' } as const
  const undo = stepOf(turn.definition, step)?.undo
  if (undo?.command.name !== undoBy?.name || undo?.command.version !== undoBy?.version || !undo)
    return stop(turn, state, at, lostFrom(turn.definition, at))
  const { round, status, request, result } = leg
  const prepared = mapped(turn, at, () =>
    prepare(
      undo,
      undo.with({
        input: jsonCopy(state.input, step),
        request: jsonCopy(request, step),
        ...(status === 'ok' && { result: jsonCopy(result, step) }),
      }),
    ),
  )
  if ('failure' in prepared) return stop(turn, state, at, prepared.failure)
  return sendLeg(turn, state, at, undo, { round, attempt: 1, ...prepared.value })
}

function prepare({ command }: LegPlan, body: unknown): { readonly key: string; readonly request: unknown } {
  const { key, request } = command.prepare(body)
  return { key, request: jsonCopy(request, command.name) }
}

/** Runs code of the definition: what it throws stops its leg, and no other saga. */
function mapped<Value>(
  turn: Turn,
  at: LegName,
  map: () => Value,
): { readonly value: Value } | { readonly failure: BackstitchError } {
  try {
    return { value: map() }
  } catch (cause) {
    return { failure: failureAt(turn.definition, 'SAGA_MAPPER_FAILED', at, reasonOf(cause), cause) }
  }
}

function end(turn: Turn, state: SagaState, status: 'completed' | 'compensated'): SagaState {
  record(turn, status, null)
  return { ...state, status }
}

function resultsOf(state: SagaState): Record<string, unknown> {
  const results: Record<string, unknown> = {}
  for (const [step, entry] of Object.entries(state.steps))
    if (entry.do.status === 'ok') results[step] = jsonCopy(entry.do.result, step)
  return results
}
