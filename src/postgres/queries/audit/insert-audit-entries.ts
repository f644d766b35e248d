/**
 * Appends entries to the audit trail, in the order of the array. `$1` JSON array of {@link AuditEntryRow}. Returns nothing.
 */
export function insertAuditEntries(schema: string): string {
  return `insert into ${schema}.audit_entry (actor_kind, actor_id, verb, target_kind, target_id, reason, before, after)
select r.actor_kind, r.actor_id, r.verb, r.target_kind, r.target_id, r.reason, r.before, r.after
from rows from (jsonb_to_recordset($1::jsonb) as (actor_kind text, actor_id text, verb text, target_kind text, target_id text, reason text,
  before jsonb, after jsonb)) with ordinality as r (actor_kind, actor_id, verb, target_kind, target_id, reason, before, after, ordinality)
order by r.ordinality`
}

/** What an entry is written from, by column. */
export type AuditEntryRow = {
  readonly actor_kind: string
  readonly actor_id: string
  readonly verb: string
  readonly target_kind: string
  readonly target_id: string
  readonly reason: string
  readonly before?: unknown
  readonly after?: unknown
}
