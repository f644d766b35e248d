/**
 * Rows of the quarantine for people, the oldest first.
 * `$1` topic or null, `$2` key or null, `$3` after this `seq`, `$4` how many. Returns {@link QuarantineListRow}.
 */
export function listQuarantine(schema: string): string {
  return `select seq::text as seq, topic, aggregateid as key, id::text as id, type, version, reason_code as "reasonCode", reason,
  parked_at as "parkedAt", created_at as "createdAt", intent, intent_by as "intentBy", intent_reason as "intentReason", intent_at as "intentAt",
  coalesce(octet_length(payload), octet_length(payload_binary), 0) as bytes
from ${schema}.outbox_quarantine
where ($1::text is null or topic = $1) and ($2::text is null or aggregateid = $2) and seq > $3::bigint
order by outbox_quarantine.seq limit $4::integer`
}
