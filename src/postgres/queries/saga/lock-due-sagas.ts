import { instanceColumns } from './lock-instances.ts'

/**
 * Locks sagas with due timers, the longest overdue first, and passes over those that another transaction holds: that one may be cancelling
 * the very timer. Nothing is waited for, so the order of the locks cannot block anybody.
 * `$1` orchestrator, `$2` names and `$3` versions of definitions, side by side, `$4` limit. Returns `InstanceRecord`; a saga with two
 * due timers comes twice.
 */
export function lockDueSagas(schema: string): string {
  // statement_timestamp() and not clock_timestamp(): only what is stable can bound the walk of the index.
  return `select ${instanceColumns}
from ${schema}.timer as t join ${schema}.saga_instance as i on i.id = t.saga_id
where t.orchestrator = $1 and t.due_at <= statement_timestamp()
  and (i.name, i.version) in (select * from unnest($2::text[], $3::integer[]))
order by t.due_at
limit $4
for update of i skip locked`
}
