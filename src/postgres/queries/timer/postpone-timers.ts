/**
 * Sets the due timers of a saga back. The saga’s row is not locked: nothing else is, so that nobody is blocked by it.
 * `$1` saga id, `$2` milliseconds from now.
 */
export function postponeTimers(schema: string): string {
  return `update ${schema}.timer set due_at = clock_timestamp() + $2::bigint * interval '1 millisecond'
where saga_id = $1::uuid and due_at <= statement_timestamp()`
}
