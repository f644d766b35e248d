import type { Migration } from './migration.ts'

/**
 * The inbox of consumers and the dead letters.
 *
 * The inbox is partitioned by the message’s id: ids of version 7 and 8 begin with their time, so that old partitions can be dropped whole,
 * while one id always falls into one partition, where the primary key refuses it a second time whenever it comes. (A partition by the time
 * of receipt would let a duplicate in at each boundary.) A leaf spans 2^29 ms, about six days; random ids fall into the default partition.
 */
export const inbox: Migration = {
  name: '0002-inbox',
  part: 'inbox',
  up: (schema) => [
    `create table ${schema}.inbox (
  consumer_group text not null,
  source text not null,
  id uuid not null,
  received_at timestamptz not null default clock_timestamp(),
  primary key (consumer_group, source, id)
) partition by range (id)`,
    `create table ${schema}.inbox_default partition of ${schema}.inbox default`,
    `create function ${schema}.inbox_add_leaves(ahead integer) returns void language plpgsql as $body$
declare
  span constant bigint := 536870912; -- 2^29 ms
  first bigint := floor(extract(epoch from clock_timestamp()) * 1000)::bigint / span;
  lower_bound uuid;
  upper_bound uuid;
begin
  for leaf in first .. first + ahead loop
    continue when to_regclass(format('%s.inbox_%s', '${schema}', leaf)) is not null;
    lower_bound := rpad(lpad(to_hex(leaf * span), 12, '0'), 32, '0')::uuid;
    upper_bound := rpad(lpad(to_hex((leaf + 1) * span), 12, '0'), 32, '0')::uuid;
    execute format('create table %s.inbox_%s partition of %s.inbox for values from (%L) to (%L)',
      '${schema}', leaf, '${schema}', lower_bound, upper_bound);
  end loop;
end
$body$`,
    `select ${schema}.inbox_add_leaves(26)`,
    // A dead letter holds the claim of its message in the inbox. It is named by the message’s id (derived from its place where the record
    // has none), for a topic that is deleted and made again repeats its offsets.
    `create table ${schema}.dead_letter (
  id bigint generated always as identity primary key,
  consumer_group text not null,
  topic text not null,
  message_id uuid not null,
  partition integer not null,
  "offset" bigint not null,
  message_key bytea,
  type text,
  headers jsonb not null,
  payload bytea,
  reason_code text not null,
  reason text not null,
  stack text,
  attempts integer not null,
  dead_at timestamptz not null default clock_timestamp(),
  unique (consumer_group, topic, message_id)
)`,
  ],
  down: (schema) => [
    `drop table ${schema}.dead_letter`,
    `drop function ${schema}.inbox_add_leaves(integer)`,
    `drop table ${schema}.inbox`,
  ],
}
