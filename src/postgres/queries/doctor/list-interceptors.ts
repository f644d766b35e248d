/**
 * What stands between a statement and the tables of the outbox: triggers, rules, row-level security, on the table and on its leaves.
 * `$1` the quoted name of the table, as text. Returns {@link InterceptorRow}.
 */
export const listInterceptors = `with tables as (
  select $1::regclass as id union all select inhrelid::regclass from pg_inherits where inhparent = $1::regclass)
select 'trigger' as kind, t.tgname as name, t.tgrelid::regclass::text as "table"
from pg_trigger t join tables on tables.id = t.tgrelid where not t.tgisinternal and t.tgparentid = 0 and t.tgenabled <> 'D'
union all
select 'rule', r.rulename, r.ev_class::regclass::text from pg_rewrite r join tables on tables.id = r.ev_class
union all
select case when c.relforcerowsecurity then 'forced row-level security' else 'row-level security' end, c.relname, c.oid::regclass::text
from pg_class c join tables on tables.id = c.oid where c.relrowsecurity
order by 1, 2`

/** A row of {@link listInterceptors}. */
export type InterceptorRow = { readonly kind: string; readonly name: string; readonly table: string }
