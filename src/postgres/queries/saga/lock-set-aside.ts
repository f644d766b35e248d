import type { StoredHeader } from '../../../inbox/stored-headers.ts'

/**
 * Locks records that were set aside, in the order of their ids, and passes over those that another process is taking up.
 * `$1` orchestrator, `$2` names and `$3` versions of definitions, side by side, `$4` the id to go on after or null, `$5` limit.
 * Returns {@link SetAsideReading}.
 */
export function lockSetAside(schema: string): string {
  return `select topic, message_id, name, version, partition, "offset"::text as "offset", message_key, headers, payload,
  floor(extract(epoch from set_aside_at) * 1000)::float8 as set_aside_at_ms
from ${schema}.saga_set_aside
where orchestrator = $1 and (name, version) in (select * from unnest($2::text[], $3::integer[]))
  and ($4::uuid is null or message_id > $4::uuid)
order by message_id, topic
limit $5
for update skip locked`
}

/** A row of {@link lockSetAside}. */
export type SetAsideReading = {
  readonly topic: string
  readonly message_id: string
  readonly name: string
  readonly version: number
  readonly partition: number
  readonly offset: string
  readonly message_key: Buffer | null
  readonly headers: readonly StoredHeader[]
  readonly payload: Buffer | null
  readonly set_aside_at_ms: number
}
