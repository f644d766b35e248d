/**
 * Stores messages among the dead letters that this transaction has claimed. One that has outlived its claim is renewed.
 * `$1` group, `$2` JSON array of {@link DeadLetterRow}. Returns nothing.
 */
export function insertDeadLetters(schema: string): string {
  return `insert into ${schema}.dead_letter
  (consumer_group, topic, message_id, partition, "offset", message_key, type, headers, payload, reason_code, reason, stack, attempts)
select $1, d.topic, d.message_id, d.partition, d."offset", decode(d.message_key, 'base64'), d.type, d.headers,
  decode(d.payload, 'base64'), d.reason_code, d.reason, d.stack, d.attempts
from jsonb_to_recordset($2::jsonb) as d (topic text, message_id uuid, partition integer, "offset" bigint, message_key text,
  type text, headers jsonb, payload text, reason_code text, reason text, stack text, attempts integer)
order by d.topic, d.message_id
on conflict (consumer_group, topic, message_id) do update set
  partition = excluded.partition, "offset" = excluded."offset", message_key = excluded.message_key, type = excluded.type,
  headers = excluded.headers, payload = excluded.payload, reason_code = excluded.reason_code, reason = excluded.reason,
  stack = excluded.stack, attempts = excluded.attempts, dead_at = excluded.dead_at`
}

/** What a writer gives; bytes in base64. */
export type DeadLetterRow = {
  readonly topic: string
  readonly message_id: string
  readonly partition: number
  readonly offset: string
  readonly message_key: string | null
  readonly type: string | null
  readonly headers: unknown
  readonly payload: string | null
  readonly reason_code: string
  readonly reason: string
  readonly stack: string | null
  readonly attempts: number
}
