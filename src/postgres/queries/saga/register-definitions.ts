/**
 * Stores definitions that are not stored yet, and names those of which unfinished sagas run that were started under another fingerprint.
 * `$1` JSON array of `DefinitionRow`. Returns `name`, `version`.
 */
export function registerDefinitions(schema: string): string {
  return `with given as (
  select * from jsonb_to_recordset($1::jsonb) as d (name text, version integer, hash text, graph jsonb)
), stored as (
  insert into ${schema}.saga_definition (name, version, hash, graph)
  select name, version, hash, graph from given order by name, version
  on conflict do nothing
)
select g.name, g.version
from given as g
where exists (
  select from ${schema}.saga_definition as other
  where other.name = g.name and other.version = g.version and other.hash <> g.hash
    and exists (
      select from ${schema}.saga_instance as i
      where i.name = other.name and i.version = other.version and i.hash = other.hash and i.ended_at is null))`
}
