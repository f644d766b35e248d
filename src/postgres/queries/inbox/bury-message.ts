/**
 * Claims a message and stores it as a dead letter. Affects 1 row, or 0 when the message was claimed before: then it was applied after all.
 * A dead letter that has outlived its claim (the inbox keeps a limited time) is renewed.
 *
 * `$1` group, `$2` topic, `$3` message id, `$4` partition, `$5` offset, `$6` key, `$7` type, `$8` headers as JSON, `$9` payload,
 * `$10` reason code, `$11` reason, `$12` stack, `$13` attempts.
 */
export function buryMessage(schema: string): string {
  return `with claimed as (
  insert into ${schema}.inbox (consumer_group, source, id) values ($1, $2, $3) on conflict do nothing returning 1
)
insert into ${schema}.dead_letter
  (consumer_group, topic, message_id, partition, "offset", message_key, type, headers, payload, reason_code, reason, stack, attempts)
select $1, $2, $3::uuid, $4::integer, $5::bigint, $6::bytea, $7, $8::jsonb, $9::bytea, $10, $11, $12, $13::integer from claimed
on conflict (consumer_group, topic, message_id) do update set
  partition = excluded.partition, "offset" = excluded."offset", message_key = excluded.message_key, type = excluded.type,
  headers = excluded.headers, payload = excluded.payload, reason_code = excluded.reason_code, reason = excluded.reason,
  stack = excluded.stack, attempts = excluded.attempts, dead_at = excluded.dead_at`
}
