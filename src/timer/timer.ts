/** Names a timer: each direction of each step of a saga has at most one. */
export type TimerKey = {
  readonly saga_id: string
  readonly step: string
  readonly direction: 'do' | 'undo'
}

/** A timer to be armed, by column name. It replaces the one that its key has. */
export type TimerRow = TimerKey & {
  readonly round: number
  readonly attempt: number
  /** The orchestrator that fires it. */
  readonly orchestrator: string
  /** Counted from the moment of the write, by the database’s clock. */
  readonly after_ms: number
}

/** A timer that was due, and was deleted in the transaction at hand. */
export type DueTimer = TimerKey & {
  readonly round: number
  readonly attempt: number
  /** Milliseconds since 1970, by the database’s clock. */
  readonly dueAtMs: number
}
