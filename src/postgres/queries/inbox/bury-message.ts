/**
 * Claims a message and stores it as a dead letter. Returns `claimed`: false when it was claimed before; then it was applied after all, and
 * nothing is written.
 *
 * A letter in a line locks the row of its key, whose number of letters says, also after a wait for another transaction, whether it is the
 * head. One that has outlived its claim (the inbox keeps a limited time) stays as it is.
 *
 * The tries of one that is retrying go on where they are.
 *
 * `$1` group, `$2` topic, `$3` message id, `$4` partition, `$5` offset, `$6` key, `$7` type, `$8` headers as JSON, `$9` payload,
 * `$10` reason code, `$11` reason, `$12` stack, `$13` attempts, `$14` fingerprint, `$15` the record’s timestamp in ms, `$16` state,
 * `$17` in how many ms it is due, `$18` whether it stands in the line of its key, `$19` the group’s name in the inbox.
 */
export function buryMessage(schema: string): string {
  return `with claimed as (
  insert into ${schema}.inbox (consumer_group, source, id, fingerprint) values ($19, $2, $3, $14) on conflict do nothing returning 1
), added as (
  select case when $18::boolean then sha256($6::bytea) end as key_hash from claimed
  where not exists (select from ${schema}.dead_letter where consumer_group = $1 and topic = $2 and message_id = $3)
), line as (
  insert into ${schema}.dead_letter_key (consumer_group, topic, key_hash, letters)
  select $1, $2, key_hash, 1 from added where key_hash is not null
  on conflict (consumer_group, topic, key_hash) do update set letters = dead_letter_key.letters + 1
  returning letters
), letter as (
  insert into ${schema}.dead_letter
    (consumer_group, topic, message_id, partition, "offset", message_key, type, headers, payload, reason_code, reason, stack, attempts,
     record_time_ms, key_hash, is_head, state, due_at, tries)
  select $1, $2, $3::uuid, $4::integer, $5::bigint, $6::bytea, $7, $8::jsonb, $9::bytea, $10, $11, $12, $13::integer,
    $15::bigint, key_hash, coalesce((select letters = 1 from line), true), $16,
    case when $16 = 'retrying' then clock_timestamp() + make_interval(secs => $17::double precision / 1000) end,
    case when $16 = 'retrying' then $13 else 0 end
  from added
)
select exists (select from claimed) as claimed`
}
