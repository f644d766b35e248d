/**
 * Notes that a group uses the inbox, and tells its generation. Whoever changes that holds the row, and is waited for.
 * `$1` group, `$2` kind, `$3` topics, `$4` for how many ms it wants its rows kept. Returns `generation`.
 */
export function enrolGroup(schema: string): string {
  return `insert into ${schema}.inbox_group as g (consumer_group, kind, topics, retention_ms) values ($1, $2, $3::text[], $4::bigint)
on conflict (consumer_group) do update
set kind = excluded.kind, topics = excluded.topics, retention_ms = excluded.retention_ms, seen_at = excluded.seen_at
returning g.generation`
}
