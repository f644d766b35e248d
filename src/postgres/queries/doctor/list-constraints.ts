/** The constraints of the tables of a schema, those of leaves and (they are columns’) not-nulls left out. `$1` the id of the schema. Returns `CatalogRow`. */
export const listConstraints = `select c.relname as "table", k.conname as name, pg_get_constraintdef(k.oid) as definition
from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype <> 'n'
where c.relnamespace = $1::oid and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname, k.conname`
