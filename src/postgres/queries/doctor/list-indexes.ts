/** The indexes of the tables of a schema, those of leaves left out; one that is not valid says so. `$1` the id of the schema. Returns `CatalogRow`. */
export const listIndexes = `select c.relname as "table", n.relname as name,
  pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (not valid)' end as definition
from pg_class c join pg_index i on i.indrelid = c.oid join pg_class n on n.oid = i.indexrelid
where c.relnamespace = $1::oid and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname, n.relname`
