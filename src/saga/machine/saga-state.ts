/**
 * - `running`: going forward · `compensating`: undoing, in reverse order
 * - `completed`, `compensated`: ended
 * - `parked`: cannot go on by itself; an operator sees it at the compensation desk
 */
export type SagaStatus = 'running' | 'compensating' | 'completed' | 'compensated' | 'parked'

/**
 * One direction of one step. A round is one logical execution; its attempts share one effect.
 *
 * The rounds of a step rise through both of its directions: an undo begins in the round of what it undoes. So an undo of round r takes
 * back the latest forward execution of a round up to r, and the participant refuses any forward command of a round up to r that comes later.
 */
export type LegState = {
  /**
   * `sent` waits for its answer, and its timer is armed (unless the shell has parked the saga for a failure of its own); `unknown` has waited long enough, or was answered by what nobody can read;
   * `skipped` was passed over by an operator, `passed` by the step’s own condition.
   */
  readonly status: 'sent' | 'ok' | 'rejected' | 'unknown' | 'skipped' | 'passed'
  /** From 1. */
  readonly round: number
  /** From 1; 0 of a leg that was never sent. */
  readonly attempt: number
  /** Stored before the command is sent: later edits of the code cannot change what was sent. `null` if it was never sent. */
  readonly request: unknown
  /** The key of the command’s record; empty if it was never sent. */
  readonly key: string
  /** The command that the request was made for; absent if it was never sent. Another command is never sent with this request. */
  readonly command?: { readonly name: string; readonly version: number }
  /** Of an `ok`: the reply’s body; `null` of an undo that found nothing to undo. */
  readonly result?: unknown
  /** Of a `rejected`: its name and body (`null` where the body does not fit its contract). Kept when it is skipped. */
  readonly rejection?: { readonly name: string; readonly detail: unknown }
}

/** A step that was begun. */
export type StepState = {
  /** The steps that it waited for: none of them is undone before it is. Stored, so that an edited definition cannot change the way back. */
  readonly after: readonly string[]
  readonly do: LegState
  /** Present once the undo was sent (or skipped). */
  readonly undo?: LegState
  /** The command that undoes it, named before the step is sent: undo is data. */
  readonly undoBy?: { readonly name: string; readonly version: number }
}

/** Names one leg. */
export type LegName = { readonly step: string; readonly direction: 'do' | 'undo' }

/** A leg that goes on by an answer or an operator alone. It may have no entry in `steps` yet: its mapper failed. */
type StoppedLeg = LegName & { readonly reason: string }

/** All that the machine knows of a saga: plain JSON, and stored as such. */
export type SagaState = {
  readonly status: SagaStatus
  readonly input: unknown
  /**
   * The legs that have parked the saga, in the order in which they stopped. While there is one nothing is begun; what is on its way may still
   * arrive. Empty unless parked, and where the shell has parked the saga for a failure of its own.
   */
  readonly stopped: readonly StoppedLeg[]
  /**
   * The steps that were begun, in that order: compensation goes back along it. So store it as text; `jsonb` would sort the names.
   * Steps that were not begun are absent.
   */
  readonly steps: Readonly<Record<string, StepState>>
  /** Why an operator holds it: nothing is begun until it is resumed. Only of a parked saga. */
  readonly held?: string
  /** Why it turned back; from then on it only undoes. */
  readonly turnedBy?: string
  /** Why it is parked, or is being or was compensated. Text that Postgres can hold, at most 4,000 characters. */
  readonly reason?: string
}
