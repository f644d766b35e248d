import { outboxRowsFrom } from '../outbox/insert-outbox-rows.ts'
import { outboxColumns } from '../outbox/outbox-columns.ts'
import { definitionLock } from './definition-lock.ts'
import { armTimers } from '../timer/arm-timers.ts'
import { cancelTimers } from '../timer/cancel-timers.ts'

/**
 * Writes what transitions came to, with one statement. Every insert joins the ids of the sagas that this very statement created or updated:
 * a saga whose revision has changed, or whose business key is taken, leaves no command, no history and no timer behind.
 *
 * A definition is stored where it is neither there nor being added by another transaction, for which it does not wait: should that one roll
 * back, the next start stores it, or the start of an orchestrator that has it, without which its sagas would not go on anyway.
 *
 * Business keys are inserted in their order, so that two transactions that start the same sagas wait for each other instead of blocking
 * each other.
 *
 * JSON arrays: `$1` definitions (`DefinitionRow`), `$2` new sagas (`NewInstanceRow`), `$3` moved sagas (`InstanceRow`), `$4` history
 * (`HistoryRow`), `$5` commands (`OutboxRow`), `$6` timers to arm (`TimerRow`), `$7` timers to cancel (`TimerKey`).
 * Returns `id` of each saga that was created or updated.
 */
export function writeTransitions(schema: string): string {
  return `with defined as (
  insert into ${schema}.saga_definition (name, version, hash, graph)
  select d.name, d.version, d.hash, d.graph
  from jsonb_to_recordset($1::text::jsonb) as d (name text, version integer, hash text, graph jsonb)
  where case
    when exists (
      select from ${schema}.saga_definition as known
      where known.name = d.name and known.version = d.version and known.hash = d.hash) then false
    else pg_try_advisory_xact_lock(${definitionLock(schema, 'd')}) end
  on conflict do nothing
), new_saga as (
  select * from jsonb_to_recordset($2::text::jsonb) as s (id uuid, name text, version integer, hash text, business_key text,
    orchestrator text, status text, state text, reason text, traceparent text, tracestate text, revision integer)
), keyed as (
  insert into ${schema}.saga_business_key (name, business_key, saga_id)
  select name, business_key, id from new_saga order by name, business_key
  on conflict do nothing
  returning saga_id
), created as (
  insert into ${schema}.saga_instance
    (id, name, version, hash, business_key, orchestrator, status, state, reason, traceparent, tracestate, revision, ended_at)
  select id, name, version, hash, business_key, orchestrator, status, state, reason, traceparent, tracestate, revision, ${endedAt('status')}
  from new_saga where id = any(array(select saga_id from keyed))
  returning id
), updated as (
  update ${schema}.saga_instance as i
  set status = s.status, state = s.state, reason = s.reason, revision = s.revision,
    updated_at = clock_timestamp(), ended_at = ${endedAt('s.status')}
  from jsonb_to_recordset($3::text::jsonb) as s (id uuid, expected_revision integer, status text, state text, reason text, revision integer)
  where i.id = s.id and i.revision = s.expected_revision
  returning i.id
), moved as (
  select id from created union all select id from updated
), recorded as (
  insert into ${schema}.saga_history (saga_id, revision, ordinal, kind, step, round, direction, attempt, detail)
  select h.saga_id, h.revision, h.ordinal, h.kind, h.step, h.round, h.direction, h.attempt, h.detail
  from jsonb_to_recordset($4::text::jsonb) as h (saga_id uuid, revision integer, ordinal integer, kind text, step text, round integer,
    direction text, attempt integer, detail text)
  where h.saga_id = ${amongMoved}
), sent as (
  insert into ${schema}.outbox (${outboxColumns})
  ${outboxRowsFrom('$5::text::jsonb', `r.saga_id = ${amongMoved}`)}
), armed as (
  ${armTimers(schema, '$6::text::jsonb', `t.saga_id = ${amongMoved}`)}
), cancelled as (
  ${cancelTimers(schema, '$7::text::jsonb', `t.saga_id = ${amongMoved}`)}
)
select id from moved`
}

/** An array and no join: the sessions of an orchestrator have hash joins off (see {@link file://../../saga/saga-pool.ts}). */
const amongMoved = 'any(array(select id from moved))'

function endedAt(status: string): string {
  return `case when ${status} in ('completed', 'compensated') then clock_timestamp() end`
}
