import { ms } from './list-sagas.ts'

/** `$1` id of a saga. Returns `state`, `hash`, `revision`. */
export function findState(schema: string): string {
  return `select state, hash, revision from ${schema}.saga_instance where id = $1`
}

/** `$1` id of a saga. Returns {@link HistoryRecord} in order. */
export function listHistory(schema: string): string {
  return `select ${ms('at')} as at_ms, kind, step, round, direction, attempt, detail
from ${schema}.saga_history where saga_id = $1 order by revision, ordinal`
}

/** A line of a saga’s history. */
export type HistoryRecord = {
  readonly at_ms: number
  readonly kind: string
  readonly step: string | null
  readonly round: number | null
  readonly direction: 'do' | 'undo' | null
  readonly attempt: number | null
  readonly detail: string | null
}

/** `$1` id of a saga. Returns {@link TimerRecord}, the earliest first. */
export function listTimers(schema: string): string {
  return `select step, direction, round, attempt, ${ms('due_at')} as due_at_ms
from ${schema}.timer where saga_id = $1 order by due_at`
}

/** A timer that is armed. */
export type TimerRecord = {
  readonly step: string
  readonly direction: 'do' | 'undo'
  readonly round: number
  readonly attempt: number
  readonly due_at_ms: number
}
