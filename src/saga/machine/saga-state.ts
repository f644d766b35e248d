/**
 * - `running`: going forward · `compensating`: undoing, in reverse order
 * - `completed`, `compensated`: ended
 * - `parked`: cannot go on by itself; an operator sees it at the compensation desk
 */
export type SagaStatus = 'running' | 'compensating' | 'completed' | 'compensated' | 'parked'

/** One direction of one step. A round is one logical execution; its attempts share one effect. */
export type LegState = {
  /** `sent` waits for its answer; `unknown` has waited long enough; `skipped` was passed over by an operator. */
  readonly status: 'sent' | 'ok' | 'rejected' | 'unknown' | 'skipped'
  readonly round: number
  readonly attempt: number
  /** Stored before the command is sent: later edits of the code cannot change what was sent. */
  readonly request: unknown
  /** The key of the command’s record. */
  readonly key: string
  /** Of an `ok`: the reply’s body. */
  readonly result?: unknown
  /** Of a `rejected`: its name and body. */
  readonly rejection?: { readonly name: string; readonly detail: unknown }
}

/** A step that was begun. */
export type StepState = {
  readonly do: LegState
  /** Present once the undo was sent (or skipped). */
  readonly undo?: LegState
  /** The command that undoes it, named before the step is sent: undo is data. */
  readonly undoBy?: { readonly name: string; readonly version: number }
}

/** All that the machine knows of a saga; stored as JSON. Steps that were not begun are absent. */
export type SagaState = {
  readonly status: SagaStatus
  readonly input: unknown
  /** The leg that is waited for, or that parked the saga; `null` once ended. */
  readonly cursor: { readonly step: string; readonly direction: 'do' | 'undo' } | null
  readonly steps: Readonly<Record<string, StepState>>
  /** Why it is parked or was compensated. */
  readonly reason?: string
}
