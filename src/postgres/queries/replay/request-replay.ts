/** The first row that there still is, and the last `seq`. Returns {@link ReplayBounds}. */
export function readReplayBounds(schema: string): string {
  return `select ${schema}.outbox_last_seq()::text as last, k.seq::text as seq, k.created_at at time zone 'UTC' as "createdAt"
from (select) one left join lateral ${schema}.outbox_kept_from() k on true`
}

/** `seq` and `createdAt` are null when no row is left. */
export type ReplayBounds = {
  readonly last: string
  readonly seq: string | null
  readonly createdAt: Date | null
}

/**
 * Notes a replay for each shard. `$1` the id, `$2` by whom, `$3` why, `$4` first `seq`, `$5` last one, `$6`, `$7` created from and to,
 * `$8` aggregate type, `$9` key, `$10` topic, `$11` whether ids are new; null stands for any.
 */
export function requestReplay(schema: string): string {
  return `insert into ${schema}.outbox_replay (id, shard, requested_by, reason, seq_from, seq_to, created_from, created_to, aggregatetype,
  aggregateid, topic, new_ids, position)
select $1::uuid, s.shard, $2::text, $3::text, $4::bigint, $5::bigint, $6::timestamptz at time zone 'UTC', $7::timestamptz at time zone 'UTC',
  $8::text, $9::text, $10::text, $11::boolean, $4::bigint - 1
from ${schema}.outbox_sharding cross join generate_series(0, shard_count - 1) as s (shard)`
}

/** A replay that is not done. Returns `[id]`. */
export function findOpenReplay(schema: string): string {
  return `select id::text as id from ${schema}.outbox_replay where state in ('requested', 'running') order by requested_at limit 1`
}

/** Replays, the newest first. `$1` one of them or null, `$2` how many. Returns {@link ReplayRow}. */
export function listReplays(schema: string): string {
  return `select id::text as id, min(requested_at) as "requestedAt", min(requested_by) as "requestedBy", min(reason) as reason,
  min(seq_from)::text as "fromSeq", min(seq_to)::text as "toSeq", min(aggregatetype) as "aggregateType", min(aggregateid) as key,
  min(topic) as topic, bool_or(new_ids) as "newIds",
  case when bool_or(state = 'failed') then 'failed' when bool_or(state = 'cancelled') then 'cancelled'
    when bool_and(state = 'completed') then 'completed' when bool_and(state = 'requested') then 'requested' else 'running' end as state,
  min(position)::text as position, sum(published)::text as published, sum(skipped)::text as skipped, sum(refused)::text as refused,
  min(failure) as failure, max(updated_at) as "updatedAt"
from ${schema}.outbox_replay where $1::uuid is null or id = $1::uuid
group by id order by min(requested_at) desc limit $2::integer`
}

/** A replay as it is listed, over all shards. */
export type ReplayRow = {
  readonly id: string
  readonly requestedAt: Date
  readonly requestedBy: string
  readonly reason: string
  readonly fromSeq: string
  readonly toSeq: string
  readonly aggregateType: string | null
  readonly key: string | null
  readonly topic: string | null
  readonly newIds: boolean
  readonly state: 'requested' | 'running' | 'completed' | 'cancelled' | 'failed'
  readonly position: string
  readonly published: string
  readonly skipped: string
  readonly refused: string
  readonly failure: string | null
  readonly updatedAt: Date
}

/** Cancels what is not done of a replay. `$1` the id. Returns a row for each shard of which something was left. */
export function cancelReplay(schema: string): string {
  return `update ${schema}.outbox_replay set state = 'cancelled', updated_at = clock_timestamp()
where id = $1::uuid and state in ('requested', 'running') returning shard`
}
