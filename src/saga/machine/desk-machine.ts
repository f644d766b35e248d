import { BackstitchError } from '../../kernel/errors.ts'
import { goOn, turnBack } from './course-machine.ts'
import { waitingLegs } from './leg-machine.ts'
import type { CourseInput, ResolveInput } from './saga-input.ts'
import type { SagaState } from './saga-state.ts'
import { hasEnded, ownerOf } from './stop-machine.ts'
import { resume } from './timer-machine.ts'
import { record, type Turn } from './turn.ts'

/**
 * Turns a saga round by an operator’s will: what was done is undone. It is refused once the pivot was sent, since its outcome decides; that
 * is read and decided under the lock of the saga’s row, so a cancel never races with the pivot.
 *
 * @throws `SAGA_STATE_REFUSES` for a saga that has ended, undoes already, is held, or has come to its pivot
 */
export function cancelSaga(turn: Turn, state: SagaState, input: CourseInput): SagaState {
  assertMovable(turn, state, 'cancel')
  const pivot = pivotStatus(turn, state)
  if (pivot !== undefined && pivot !== 'rejected')
    throw refusal(
      turn,
      `cancel: its pivot was sent, and its outcome decides; where it is parked over that, see compensate`,
    )
  return turnedRound(turn, state, input)
}

/**
 * Undoes a parked saga. Where it is parked over the pivot the operator vouches that the pivot has not happened, and will not.
 *
 * @throws `SAGA_STATE_REFUSES` unless parked, and once the pivot is done
 */
export function compensateSaga(turn: Turn, state: SagaState, input: CourseInput): SagaState {
  assertMovable(turn, state, 'compensate')
  if (state.status !== 'parked')
    throw refusal(turn, `compensate is for parked sagas, this one is ${state.status}: see cancel`)
  const pivot = pivotStatus(turn, state)
  if (pivot === 'ok' || pivot === 'skipped' || pivot === 'passed' || pivot === 'sent')
    throw refusal(
      turn,
      `compensate: its pivot is ${pivot === 'sent' ? 'on its way' : 'done'}, there is no way back`,
    )
  return turnedRound(turn, state, input)
}

/**
 * Holds a saga: nothing is begun or sent again until it is resumed, and what is on its way may arrive.
 * @throws `SAGA_STATE_REFUSES` for a saga that has ended or is held
 */
export function holdSaga(turn: Turn, state: SagaState, input: CourseInput): SagaState {
  assertMovable(turn, state, 'hold')
  note(turn, 'held', input)
  const held = `held by ${input.actor}: ${input.reason}`
  return { ...state, status: 'parked', held, reason: held }
}

/** Lets a saga that is held go on. @throws `SAGA_STATE_REFUSES` for one that is not */
export function resumeSaga(turn: Turn, state: SagaState, input: CourseInput): SagaState {
  const { held, ...rest } = state
  if (held === undefined)
    throw refusal(turn, `resume is for sagas that are held, this one is ${state.status}`)
  note(turn, 'resumed', input)
  const [first] = state.stopped
  return resume(turn, { ...rest, ...(first && { reason: first.reason }) })
}

/**
 * Ends a parked saga by hand: the operator has settled what was open, and says how it ended. Nothing is sent any more.
 * @throws `SAGA_STATE_REFUSES` unless parked
 */
export function resolveSaga(turn: Turn, state: SagaState, input: ResolveInput): SagaState {
  if (state.status !== 'parked')
    throw refusal(turn, `resolve is for parked sagas, this one is ${state.status}`)
  for (const { step, direction } of waitingLegs(state)) turn.effects.push({ kind: 'cancel', step, direction })
  record(turn, 'resolved', null, { reason: input.reason, actor: input.actor, as: input.as })
  record(turn, input.as, null)
  const { held: _held, ...rest } = state
  return { ...rest, status: input.as, stopped: [], reason: `resolved by ${input.actor}: ${input.reason}` }
}

function turnedRound(turn: Turn, state: SagaState, input: CourseInput): SagaState {
  if (state.turnedBy !== undefined) throw refusal(turn, `${input.kind}: it undoes already`)
  note(turn, 'cancelled', input)
  const turned = turnBack(turn, state, `cancelled by ${input.actor}: ${input.reason}`)
  return state.status === 'parked' ? resume(turn, turned) : goOn(turn, turned)
}

function pivotStatus(turn: Turn, state: SagaState): string | undefined {
  const pivot = turn.definition.steps.find(({ phase }) => phase === 'pivot')
  return pivot && state.steps[pivot.name]?.do.status
}

function assertMovable(turn: Turn, state: SagaState, verb: string): void {
  if (hasEnded(state))
    throw refusal(turn, `${verb} is for sagas that have not ended, this one is ${state.status}`)
  if (state.held !== undefined) throw refusal(turn, `${verb}: it is held; resume it first`)
}

function note(turn: Turn, entry: 'held' | 'resumed' | 'cancelled', { reason, actor }: CourseInput): void {
  record(turn, entry, null, { reason, actor })
}

function refusal(turn: Turn, what: string): BackstitchError {
  return new BackstitchError('SAGA_STATE_REFUSES', `${ownerOf(turn.definition)}: ${what}`)
}
