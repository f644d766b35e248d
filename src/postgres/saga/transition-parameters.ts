import type { SagaWrites } from '../../saga/saga-store.ts'

/** The parameters of `writeTransitions`, in its order. */
export function transitionParameters(writes: SagaWrites): readonly string[] {
  const { definitions, created, updated, history, commands, timers, cancelled } = writes
  return [definitions, created, updated, history, commands, timers, cancelled].map((rows) =>
    rows.length === 0 ? '[]' : JSON.stringify(rows),
  )
}
