/**
 * Arms timers by the database’s clock; each replaces the one of its key.
 * @param parameter the expression that holds a JSON array of `TimerRow`, such as `$1::jsonb`
 * @param condition which of them, where another part of the statement decides it; a row is called `t`
 */
export function armTimers(schema: string, parameter: string, condition: string = 'true'): string {
  return `insert into ${schema}.timer (saga_id, step, direction, round, attempt, orchestrator, due_at)
  select t.saga_id, t.step, t.direction, t.round, t.attempt, t.orchestrator,
    clock_timestamp() + t.after_ms * interval '1 millisecond'
  from jsonb_to_recordset(${parameter}) as t (saga_id uuid, step text, direction text, round integer, attempt integer,
    orchestrator text, after_ms bigint)
  where ${condition}
  on conflict (saga_id, step, direction) do update
  set round = excluded.round, attempt = excluded.attempt, orchestrator = excluded.orchestrator, due_at = excluded.due_at`
}
