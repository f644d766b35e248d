import type { CommandContract } from '../../message/command.ts'
import type { LegAddress } from './saga-input.ts'
import type { SagaState } from './saga-state.ts'

/** What the shell must do, all in the transaction that stores the new state. */
export type SagaEffect =
  | ({
      readonly kind: 'send'
      readonly command: CommandContract
      readonly request: unknown
      readonly key: string
    } & LegAddress)
  /** Arm the timer of the leg, replacing the one it has. */
  | ({ readonly kind: 'schedule'; readonly afterMs: number } & LegAddress)
  /** Disarm the timer of the leg, if it has one. */
  | { readonly kind: 'cancel'; readonly step: string; readonly direction: 'do' | 'undo' }
  /** Add a row to the history, in the order of the effects. */
  | ({
      readonly kind: 'record'
      readonly entry: HistoryKind
      readonly detail?: unknown
    } & Partial<LegAddress>)

/**
 * What a history row says happened. The row names the leg where there is one, and its detail is JSON:
 * of `rejected` `{ name, detail }`, of `late` `{ outcome }`, of `compensating` and `parked` `{ reason }`, of an operator’s acts `{ reason, actor }`. `passed`: the step’s condition did not hold.
 */
export type HistoryKind =
  | 'started'
  | 'sent'
  | 'ok'
  | 'rejected'
  | 'timed-out'
  | 'late'
  | 'compensating'
  | 'parked'
  | 'retried'
  | 'skipped'
  | 'passed'
  | 'substituted'
  | 'cancelled'
  | 'held'
  | 'resumed'
  | 'resolved'
  | 'completed'
  | 'compensated'

/**
 * The new state and its effects.
 *
 * `changed` is false where nothing is to be written: a duplicate, or an answer too late to matter. Then there are no effects, and the state
 * is the very one that was given. A late answer that is worth a row of history counts as a change, though the state stays as it was.
 */
export type SagaTransition = {
  readonly state: SagaState
  readonly changed: boolean
  readonly effects: readonly SagaEffect[]
}
