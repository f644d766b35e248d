/**
 * Sets records aside, whole.
 * `$1` orchestrator, `$2` JSON array of `SetAsideRow`. Returns nothing.
 */
export function insertSetAside(schema: string): string {
  return `insert into ${schema}.saga_set_aside
  (orchestrator, topic, message_id, name, version, partition, "offset", message_key, headers, payload)
select $1, s.topic, s.message_id, s.name, s.version, s.partition, s."offset",
  decode(s.message_key, 'base64'), s.headers, decode(s.payload, 'base64')
from jsonb_to_recordset($2::jsonb) as s (topic text, message_id uuid, name text, version integer, partition integer,
  "offset" bigint, message_key text, headers jsonb, payload text)
order by s.topic, s.message_id
on conflict do nothing`
}

/** What a writer gives; bytes in base64. */
export type SetAsideRow = {
  readonly topic: string
  readonly message_id: string
  readonly name: string
  readonly version: number
  readonly partition: number
  readonly offset: string
  readonly message_key: string | null
  readonly headers: unknown
  readonly payload: string | null
}
