/** The schema of a name. `$1` the quoted name. Returns `id`, null where there is none. */
export const findNamespace = 'select to_regnamespace($1)::oid::text as id'

/** The schema of this session’s temporary tables. Returns `id` and `name`; no row before there is one. */
export const findTemporaryNamespace =
  'select oid::text as id, nspname as name from pg_namespace where oid = pg_my_temp_schema()'
