const columns = `a.seq::text as seq, a.at, a.actor_kind, a.actor_id, a.verb, a.target_kind, a.target_id, a.reason,
  a.before::text as before, a.after::text as after`

/** Entries of the audit trail, the newest first. `$1` before this `seq`, or null; `$2` how many. Returns {@link AuditEntryRecord}. */
export function readAuditEntries(schema: string): string {
  return `select ${columns} from ${schema}.audit_entry a
where $1::bigint is null or a.seq < $1
order by a.seq desc limit $2::integer`
}

/**
 * Entries about some targets, the newest first. `$1` before this `seq`, or null; `$2` how many; `$3` kinds and `$4` ids of the targets, in
 * step. Returns {@link AuditEntryRecord}.
 */
export function readAuditEntriesOf(schema: string): string {
  return `select a.* from unnest($3::text[], $4::text[]) as t (kind, id) cross join lateral (
  select ${columns} from ${schema}.audit_entry a
  where a.target_kind = t.kind and hashtextextended(a.target_id, 0) = hashtextextended(t.id, 0) and a.target_id = t.id
    and ($1::bigint is null or a.seq < $1)
  order by a.seq desc limit $2::integer
) a
order by a.seq::bigint desc limit $2::integer`
}

/** An entry as it is read; `before` and `after` are JSON. */
export type AuditEntryRecord = {
  readonly seq: string
  readonly at: Date
  readonly actor_kind: string
  readonly actor_id: string
  readonly verb: string
  readonly target_kind: string
  readonly target_id: string
  readonly reason: string
  readonly before: string | null
  readonly after: string | null
}
