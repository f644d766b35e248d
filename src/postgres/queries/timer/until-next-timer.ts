/**
 * How long until the next timer is due, of sagas with one of some definitions: another process fires the others.
 * `$1` orchestrator, `$2` names and `$3` versions of definitions, side by side. Returns `until_ms`, or no row.
 */
export function untilNextTimer(schema: string): string {
  return `select (extract(epoch from t.due_at - clock_timestamp()) * 1000)::float8 as until_ms
from ${schema}.timer as t join ${schema}.saga_instance as i on i.id = t.saga_id
where t.orchestrator = $1 and (i.name, i.version) in (select * from unnest($2::text[], $3::integer[]))
order by t.due_at
limit 1`
}
