/** The functions of a schema. `$1` the id of the schema. Returns `CatalogRow`. */
export const listFunctions = `select '' as "table", proname || '(' || pg_get_function_identity_arguments(oid) || ')' as name, pg_get_functiondef(oid) as definition
from pg_proc where pronamespace = $1::oid and prokind = 'f' order by proname`
