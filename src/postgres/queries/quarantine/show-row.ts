import { hasText } from './has-text.ts'
import { listedColumns, type QuarantineListRow } from './list-quarantine.ts'
import { wasRefused } from './reason-codes.ts'

/**
 * One row of the quarantine with everything of it. `$1` its `seq`, `$2` how many of the rows behind it are counted.
 * Returns {@link ShownRow}, or nothing.
 */
export function showRow(schema: string): string {
  const sameKey = `${hasText('o.topic', 'q.topic')} and ${hasText('o.aggregateid', 'q.aggregateid')}`
  return `select ${listedColumns}, q.aggregatetype, q.content_type, q.payload, encode(q.payload_binary, 'base64') as payload_base64,
  q.headers::text as headers, jsonb_strip_nulls(jsonb_build_object('correlation-id', q.correlation_id, 'causation-id', q.causation_id,
    'traceparent', q.traceparent, 'tracestate', q.tracestate, 'saga-id', q.saga_id, 'saga-name', q.saga_name, 'saga-step', q.saga_step,
    'saga-round', q.saga_round::text, 'saga-direction', q.saga_direction, 'saga-attempt', q.saga_attempt::text, 'reply-to', q.reply_to,
    'outcome', q.outcome, 'expires-at', to_char(q.expires_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))) as context,
  (select min(o.seq)::text from ${schema}.outbox_quarantine o where ${sameKey} and o.${wasRefused}) as behind,
  (select count(*)::integer from (select from ${schema}.outbox_quarantine o where ${sameKey} and o.seq > q.seq limit $2::integer) w) as waiting
from ${schema}.outbox_quarantine q where q.seq = $1::bigint`
}

/** A row as it is shown. */
export type ShownRow = QuarantineListRow & {
  readonly aggregatetype: string
  readonly content_type: string | null
  readonly payload: string | null
  readonly payload_base64: string | null
  /** JSON */
  readonly headers: string | null
  readonly context: Readonly<Record<string, string>>
  readonly behind: string | null
  readonly waiting: number
}
