import { hasText } from './has-text.ts'
import { waitsForPlace, wasRefused } from './reason-codes.ts'

/**
 * A row that is to be edited, and what is under way with its key. `$1` its `seq`. Returns {@link EditableRow}, or nothing.
 */
export function findEditableRow(schema: string): string {
  const sameKey = `${hasText('o.topic', 'q.topic')} and ${hasText('o.aggregateid', 'q.aggregateid')}`
  return `select q.id::text as id, q.causation_id, q.payload, encode(q.payload_binary, 'base64') as payload_base64, q.headers::text as headers,
  q.content_type, q.${waitsForPlace} as waits,
  exists (select from ${schema}.outbox_quarantine o where ${sameKey} and o.${wasRefused}) as has_refused,
  exists (select from ${schema}.outbox_quarantine o where ${sameKey} and o.intent is not null) as has_intent
from ${schema}.outbox_quarantine q where q.seq = $1::bigint
for update of q`
}

/** A row before its edit. */
export type EditableRow = {
  readonly id: string
  readonly causation_id: string | null
  readonly payload: string | null
  readonly payload_base64: string | null
  /** JSON */
  readonly headers: string | null
  readonly content_type: string | null
  /** It waits for its topic or partition. */
  readonly waits: boolean
  readonly has_refused: boolean
  readonly has_intent: boolean
}

/**
 * Replaces what was edited of a row, and asks for a retry. `$1` its `seq`, `$2` id, `$3` causation id, `$4` payload, `$5` payload in base64,
 * `$6` headers as JSON, `$7` by whom, `$8` why. Returns nothing.
 */
export function editRow(schema: string): string {
  return `update ${schema}.outbox_quarantine
set id = $2::uuid, original_id = coalesce(original_id, id), causation_id = $3::text, payload = $4::text, payload_binary = decode($5::text, 'base64'), headers = $6::jsonb,
  intent = 'retry', intent_by = $7::text, intent_reason = $8::text, intent_at = clock_timestamp()
where seq = $1::bigint`
}
