/**
 * Which of some rights this user lacks. `$1` an array of `{kind, name, right}` as JSON: of a `table` (its quoted name), a `sequence` or a
 * `function` (with its arguments), or `owner` of a table. What does not exist is passed over. Returns {@link MissingRightRow}.
 */
export const listMissingRights = `select w.kind, w.name, w."right"
from jsonb_to_recordset($1::jsonb) as w (kind text, name text, "right" text)
where case w.kind
  when 'table' then not has_table_privilege(to_regclass(w.name), w."right")
  when 'sequence' then not has_sequence_privilege(to_regclass(w.name), w."right")
  when 'function' then not has_function_privilege(to_regprocedure(w.name), w."right")
  when 'schema' then not has_schema_privilege(to_regnamespace(w.name), w."right")
  when 'owner' then not (select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = to_regclass(w.name))
end`

/** A row of {@link listMissingRights}. */
export type MissingRightRow = {
  readonly kind: 'table' | 'sequence' | 'function' | 'schema' | 'owner'
  readonly name: string
  readonly right: string
}
