import { hasText } from './has-text.ts'

/** The columns of {@link QuarantineListRow}, of the quarantine as `q`. */
export const listedColumns = `q.seq::text as seq, q.topic, q.aggregateid as key, q.id::text as id, q.type, q.version, q.reason_code as code, q.reason,
  q.parked_at as "parkedAt", q.created_at at time zone 'UTC' as "createdAt", q.intent, q.intent_by, q.intent_reason, q.intent_at,
  coalesce(octet_length(q.payload), octet_length(q.payload_binary), 0) as bytes`

/**
 * Rows of the quarantine for people, the oldest first. `$1` topic or null, `$2` key or null, `$3` after this `seq`, `$4` how many, `$5` code or
 * null, `$6` parked for so many milliseconds, or null. Returns {@link QuarantineListRow}.
 */
export function listQuarantine(schema: string): string {
  return `select ${listedColumns}
from ${schema}.outbox_quarantine q
where ($1::text is null or (${hasText('q.topic', '$1::text')})) and ($2::text is null or (${hasText('q.aggregateid', '$2::text')}))
  and ($5::text is null or q.reason_code = $5)
  and ($6::float8 is null or q.parked_at < clock_timestamp() - $6 * interval '1 millisecond')
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
