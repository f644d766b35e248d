/** The schema of a name. `$1` the quoted name. Returns `id`, null where there is none. */
export const findNamespace = 'select to_regnamespace($1)::oid::text as id'

/** The schema of this session’s temporary tables; null before there is one. Returns `id`. */
export const findTemporaryNamespace = 'select nullif(pg_my_temp_schema(), 0)::text as id'
