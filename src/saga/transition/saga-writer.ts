import { type BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Codec } from '../../message/codec.ts'
import type { BodyLimits } from '../../message/limits.ts'
import { type OutboxRow, outboxRowOf } from '../../outbox/outbox-row.ts'
import type { TimerKey, TimerRow } from '../../timer/timer.ts'
import type { SagaEffect, SagaTransition } from '../machine/saga-effect.ts'
import { waitingLegs } from '../machine/leg-machine.ts'
import type { SagaState, SagaStatus } from '../machine/saga-state.ts'
import { interrupted } from '../machine/stop-machine.ts'
import type { DefinitionRow, HistoryRow, SagaInstance, SagaWrites } from '../saga-store.ts'
import { commandMessage } from './command-message.ts'
import { type SagaCause, traceOf } from './saga-cause.ts'

/** How commands become rows. */
export type CommandEncoding = { readonly codec: Codec; readonly limits: BodyLimits }

/** A saga that a transaction works on: as it was loaded or begun, and what the transitions so far made of it. */
export type SagaInHand = Omit<SagaInstance, 'revision' | 'status' | 'state'> & {
  /** The revision that was loaded; `undefined` for a saga that begins here. */
  readonly storedRevision: number | undefined
  revision: number
  status: SagaStatus
  /** JSON, written anew by each transition: the next one sees what it would see after a load. */
  state: string
  reason?: string
}

/** Collects what transitions write, for one statement at the end. */
export type SagaWriter = {
  /** Adds a transition. When it throws nothing of the transition was added. @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE` */
  record(saga: SagaInHand, transition: SagaTransition, cause: SagaCause): void
  /**
   * Parks a saga from outside, for a failure that is not the machine’s to judge: its state could not be read, or what it led to could not
   * be written. The state stays as it is but for its status, so that an operator’s retry goes on from there.
   */
  park(saga: SagaInHand, failure: BackstitchError): void
  /** Arms a timer of a saga again, which stays as it is. */
  rearm(saga: SagaInHand, timer: Omit<TimerRow, 'saga_id' | 'orchestrator'>): void
  /** Stores a definition where it is not yet. */
  define(definition: DefinitionRow): void
  writes(): SagaWrites
  /** Milliseconds until the earliest timer that was armed. */
  readonly earliestTimerMs: number
  readonly hasCommands: boolean
}

/** A saga as it was loaded, ready to be moved. */
export function inHand(instance: SagaInstance): SagaInHand {
  return { ...instance, storedRevision: instance.revision }
}

/** Makes a {@link SagaWriter}. */
export function sagaWriter({ codec, limits }: CommandEncoding): SagaWriter {
  const touched = new Set<SagaInHand>()
  const definitions: DefinitionRow[] = []
  const history: HistoryRow[] = []
  const commands: OutboxRow[] = []
  const timers = new Map<string, { readonly key: TimerKey; readonly armed?: TimerRow }>()

  const setTimer = (key: TimerKey, armed?: TimerRow): void => {
    timers.set(`${key.saga_id} ${key.direction} ${key.step}`, { key, ...(armed && { armed }) })
  }
  const timerEffect = (saga: SagaInHand, effect: SagaEffect): void => {
    if (effect.kind !== 'schedule' && effect.kind !== 'cancel') return
    const key = { saga_id: saga.id, step: effect.step, direction: effect.direction }
    if (effect.kind === 'cancel') return setTimer(key)
    const { round, attempt, afterMs } = effect
    setTimer(key, { ...key, round, attempt, orchestrator: saga.orchestrator, after_ms: Math.ceil(afterMs) })
  }

  return {
    record: (saga, { state, changed, effects }, cause) => {
      if (!changed && effects.length === 0) return
      const revision = saga.revision + 1
      const text = JSON.stringify(state)
      const sent = effects
        .filter((effect) => effect.kind === 'send')
        .map((effect) => outboxRowOf(commandMessage(saga, effect, cause), codec, limits))
      const lines = effects
        .filter((effect) => effect.kind === 'record')
        .map((effect, ordinal) => historyRow(saga.id, revision, ordinal, effect))
      // From here on nothing throws.
      commands.push(...sent)
      history.push(...lines)
      for (const effect of effects) timerEffect(saga, effect)
      saga.revision = revision
      saga.status = state.status
      saga.state = text
      if (state.reason === undefined) delete saga.reason
      else saga.reason = state.reason
      touched.add(saga)
    },
    park: (saga, failure) => {
      const state = readState(saga.state)
      for (const { step, direction } of state ? waitingLegs(state) : [])
        setTimer({ saga_id: saga.id, step, direction })
      saga.revision += 1
      saga.status = 'parked'
      saga.reason = reasonOf(failure)
      if (state) saga.state = JSON.stringify(interrupted(state, saga.reason))
      const detail = { reason: saga.reason }
      history.push(historyRow(saga.id, saga.revision, 0, { kind: 'record', entry: 'parked', detail }))
      touched.add(saga)
    },
    rearm: (saga, timer) => {
      const row = { ...timer, saga_id: saga.id, orchestrator: saga.orchestrator }
      setTimer(row, row)
      // Timers are written with their sagas alone.
      touched.add(saga)
    },
    define: (definition) => void definitions.push(definition),
    writes: () => {
      const sagas = [...touched]
      const armed = [...timers.values()]
      return {
        definitions,
        created: sagas.flatMap((saga) => (saga.storedRevision === undefined ? [newRow(saga)] : [])),
        updated: sagas.flatMap((saga) =>
          saga.storedRevision === undefined
            ? []
            : [{ ...stateColumns(saga), expected_revision: saga.storedRevision }],
        ),
        history,
        commands,
        timers: armed.flatMap((timer) => timer.armed ?? []),
        cancelled: armed.flatMap((timer) => (timer.armed ? [] : [timer.key])),
      }
    },
    get hasCommands() {
      return commands.length > 0
    },
    get earliestTimerMs() {
      let earliest = Number.POSITIVE_INFINITY
      for (const { armed } of timers.values())
        if (armed && armed.after_ms < earliest) earliest = armed.after_ms
      return earliest
    },
  }
}

/** The state, or nothing where the text holds none. */
function readState(text: string): SagaState | undefined {
  try {
    const state = JSON.parse(text) as SagaState | null
    return typeof state === 'object' && state !== null && typeof state.steps === 'object' ? state : undefined
  } catch {
    return undefined
  }
}

function stateColumns({ id, revision, status, state, reason }: SagaInHand) {
  return { id, revision, status, state, ...(reason !== undefined && { reason }) }
}

function newRow(saga: SagaInHand) {
  return {
    ...stateColumns(saga),
    name: saga.name,
    version: saga.version,
    hash: saga.hash,
    business_key: saga.businessKey,
    orchestrator: saga.orchestrator,
    ...traceOf(saga),
  }
}

function historyRow(
  sagaId: string,
  revision: number,
  ordinal: number,
  { entry, detail, step, round, direction, attempt }: Extract<SagaEffect, { kind: 'record' }>,
): HistoryRow {
  return {
    saga_id: sagaId,
    revision,
    ordinal,
    kind: entry,
    ...(step !== undefined && { step }),
    ...(round !== undefined && { round }),
    ...(direction !== undefined && { direction }),
    ...(attempt !== undefined && { attempt }),
    ...(detail !== undefined && { detail: JSON.stringify(detail) }),
  }
}
