import type { DueTimer } from '../../timer/timer.ts'
import type { SagaInstance } from '../saga-store.ts'
import { causeOfTimer } from '../transition/saga-cause.ts'
import { inHand } from '../transition/saga-writer.ts'
import { type MoveTools, moveSaga, type ParkedSaga } from '../transition/move-saga.ts'

/** When to look again at a timer whose saga this process cannot move. */
const rearmMs = 10_000

/**
 * Runs the machine over timers that were due and taken out. Writes nothing itself.
 * The timer of a saga whose definition does not fit is armed again: another process may have the form that does.
 * @returns the sagas that a failure has parked
 */
export function foldTimers(
  timers: readonly DueTimer[],
  instances: ReadonlyMap<string, SagaInstance>,
  tools: MoveTools,
): readonly ParkedSaga[] {
  const parked: ParkedSaga[] = []
  const sagas = new Map([...instances].map(([id, instance]) => [id, inHand(instance)]))
  for (const timer of timers) {
    const { saga_id, step, direction, round, attempt } = timer
    const saga = sagas.get(saga_id)
    if (!saga) continue
    const definition = tools.registry.fit(saga)
    if (!definition) {
      tools.writer.rearm(saga, { step, direction, round, attempt, after_ms: rearmMs })
      continue
    }
    const input = { kind: 'timer', step, direction, round, attempt } as const
    const failure = moveSaga(saga, definition, input, causeOfTimer(timer, saga), tools)
    if (failure) parked.push({ sagaId: saga.id, reason: failure.message })
  }
  return parked
}
