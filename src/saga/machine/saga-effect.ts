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
  | { readonly kind: 'cancel'; readonly step: string; readonly direction: 'do' | 'undo' }
  | ({
      readonly kind: 'record'
      readonly entry: HistoryKind
      readonly detail?: unknown
    } & Partial<LegAddress>)

/** What a history row says happened. */
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
  | 'completed'
  | 'compensated'

/** The new state and its effects. `changed` is false where the input moves nothing (a duplicate, an answer too late to matter). */
export type SagaTransition = {
  readonly state: SagaState
  readonly changed: boolean
  readonly effects: readonly SagaEffect[]
}
