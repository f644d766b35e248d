import { hasText } from './has-text.ts'

/**
 * Notes what an operator wants of rows in the quarantine; the owner of the outbox does it.
 * `$1` `retry` or `skip`, `$2` by whom, `$3` why, `$4` seqs or null, `$5` topic or null, `$6` key or null; at least one of seqs, topic
 * and key, or `$7` true for all. Returns the seqs.
 */
export function requestIntent(schema: string): string {
  return `update ${schema}.outbox_quarantine
set intent = $1::text, intent_by = $2::text, intent_reason = $3::text, intent_at = clock_timestamp()
where ($4::bigint[] is not null or $5::text is not null or $6::text is not null or $7::boolean)
  and ($4::bigint[] is null or seq = any ($4)) and ($5::text is null or (${hasText('topic', '$5::text')}))
  and ($6::text is null or (${hasText('aggregateid', '$6::text')}))
returning seq::text as seq`
}
