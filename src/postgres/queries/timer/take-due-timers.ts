/**
 * Takes the due timers of sagas out, whose rows this transaction has locked.
 * `$1` ids of sagas. Returns `DueTimerRecord`.
 */
export function takeDueTimers(schema: string): string {
  return `delete from ${schema}.timer
where saga_id = any($1::uuid[]) and due_at <= statement_timestamp()
returning saga_id, step, direction, round, attempt, floor(extract(epoch from due_at) * 1000)::float8 as due_at_ms`
}

/** A row of {@link takeDueTimers}. */
export type DueTimerRecord = {
  readonly saga_id: string
  readonly step: string
  readonly direction: 'do' | 'undo'
  readonly round: number
  readonly attempt: number
  readonly due_at_ms: number
}
