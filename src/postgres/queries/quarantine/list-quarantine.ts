import { hasText } from './has-text.ts'

/**
 * Rows of the quarantine for people, the oldest first.
 * `$1` topic or null, `$2` key or null, `$3` after this `seq`, `$4` how many. Returns {@link QuarantineListRow}.
 */
export function listQuarantine(schema: string): string {
  return `select q.seq::text as seq, topic, aggregateid as key, id::text as id, type, version, reason_code as code, reason,
  parked_at as "parkedAt", created_at at time zone 'UTC' as "createdAt", intent, intent_by, intent_reason, intent_at,
  coalesce(octet_length(payload), octet_length(payload_binary), 0) as bytes
from ${schema}.outbox_quarantine q
where ($1::text is null or (${hasText('topic', '$1::text')})) and ($2::text is null or (${hasText('aggregateid', '$2::text')}))
  and q.seq > $3::bigint
order by q.seq limit $4::integer`
}

/** A row as it is listed. The columns of the intent are null together. */
export type QuarantineListRow = {
  readonly seq: string
  readonly topic: string
  readonly key: string
  readonly id: string
  readonly type: string
  readonly version: number
  readonly code: string
  readonly reason: string
  readonly parkedAt: Date
  readonly createdAt: Date
  readonly intent: 'retry' | 'skip' | null
  readonly intent_by: string | null
  readonly intent_reason: string | null
  readonly intent_at: Date | null
  readonly bytes: number
}
