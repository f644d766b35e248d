/**
 * Deletes records that were set aside and are applied now.
 * `$1` orchestrator, `$2` topics and `$3` message ids, side by side. Returns nothing.
 */
export function deleteSetAside(schema: string): string {
  return `delete from ${schema}.saga_set_aside
where orchestrator = $1 and (topic, message_id) in (select * from unnest($2::text[], $3::uuid[]))`
}
