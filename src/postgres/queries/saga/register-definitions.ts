import { definitionLock } from './definition-lock.ts'

/**
 * Stores definitions that are not stored yet, and names those of which unfinished sagas run that were started under another fingerprint.
 * Waits for transactions that add one of them at the moment, each in the order of the names.
 * `$1` JSON array of `DefinitionRow`. Returns `name`, `version`.
 */
export function registerDefinitions(schema: string): string {
  return `with given as (
  select * from jsonb_to_recordset($1::jsonb) as d (name text, version integer, hash text, graph jsonb)
), stored as (
  insert into ${schema}.saga_definition (name, version, hash, graph)
  select name, version, hash, graph
  from (
    select g.*, pg_advisory_xact_lock(${definitionLock(schema, 'g')})
    from (
      select * from given
      where not exists (
        select from ${schema}.saga_definition as known
        where known.name = given.name and known.version = given.version and known.hash = given.hash)
      order by name, version offset 0) as g
    offset 0) as locked
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
