/**
 * Deletes timers by their keys.
 * @param parameter the expression that holds a JSON array of `TimerKey`, such as `$1::jsonb`
 * @param condition which of them, where another part of the statement decides it; a key is called `t`
 */
export function cancelTimers(schema: string, parameter: string, condition: string = 'true'): string {
  return `delete from ${schema}.timer as armed
  using jsonb_to_recordset(${parameter}) as t (saga_id uuid, step text, direction text)
  where armed.saga_id = t.saga_id and armed.step = t.step and armed.direction = t.direction and ${condition}`
}
