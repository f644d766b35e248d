import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { HistoryKind, SagaEffect, SagaTransition } from './saga-effect.ts'
import type { LegAddress } from './saga-input.ts'
import type { SagaState } from './saga-state.ts'

/** A transition in the making: its effects are collected in order. It lives within one call of the machine. */
export type Turn = { readonly definition: SagaDefinition; readonly effects: SagaEffect[] }

/** Runs one turn. What has no effect has changed nothing. */
export function takeTurn(definition: SagaDefinition, move: (turn: Turn) => SagaState): SagaTransition {
  const effects: SagaEffect[] = []
  const state = move({ definition, effects })
  return { state, changed: effects.length > 0, effects }
}

/** Adds a row to the history, of one leg or of the saga as a whole. */
export function record(
  turn: Turn,
  entry: HistoryKind,
  at: Partial<LegAddress> | null,
  detail?: unknown,
): void {
  const { step, direction, round, attempt } = at ?? {}
  turn.effects.push({
    kind: 'record',
    entry,
    ...(step !== undefined && { step }),
    ...(direction !== undefined && { direction }),
    ...(round !== undefined && { round }),
    ...(attempt !== undefined && { attempt }),
    ...(detail !== undefined && { detail }),
  })
}
