import { dropInboxGroupTables, inboxGroupTables } from './inbox/group-tables.ts'
import type { Migration } from './migration.ts'

/**
 * The inbox of consumers and the dead letters.
 *
 * The inbox is partitioned by the message’s id: ids of version 7 and 8 begin with their time, so that old partitions can be dropped whole,
 * while one id always falls into one partition, where the primary key refuses it a second time whenever it comes. (A partition by the time
 * of receipt would let a duplicate in at each boundary.) A leaf spans 2^29 ms, about six days; random ids fall into the default partition.
 *
 * `inbox_add_leaves(ahead, ms_max)` makes the leaf of the present and those that follow, as far as they are missing, and returns how many it
 * made. It holds up nobody: it waits for a lock for 50 ms at most, and gives up after `ms_max` milliseconds. What it does not get to is left for
 * another call; until then, rows go into the default partition.
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
  -- of the body; null where it is not compared
  fingerprint bigint,
  primary key (consumer_group, source, id)
) partition by range (id)`,
    `create table ${schema}.inbox_default partition of ${schema}.inbox default`,
    `create function ${schema}.inbox_add_leaves(ahead integer, ms_max integer default 250) returns integer
  language plpgsql set lock_timeout = '50ms' as $body$
declare
  span constant bigint := 536870912; -- 2^29 ms
  rows_to_move constant bigint := 1000;
  present bigint := floor(extract(epoch from clock_timestamp()) * 1000)::bigint / span;
  began timestamptz := clock_timestamp();
  looked_at timestamptz;
  lower_bound uuid;
  upper_bound uuid;
  strays bigint;
  made integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('${schema}.inbox_add_leaves', 0)) then
    return 0; -- another one makes them
  end if;
  for leaf in present .. present + ahead loop
    continue when to_regclass(format('%s.inbox_%s', '${schema}', leaf)) is not null;
    lower_bound := rpad(lpad(to_hex(leaf * span), 12, '0'), 32, '0')::uuid;
    upper_bound := rpad(lpad(to_hex((leaf + 1) * span), 12, '0'), 32, '0')::uuid;
    -- A look that locks nobody out: it tells what is to be moved, and how long the attaching will look under its lock.
    looked_at := clock_timestamp();
    select count(*) into strays from (
      select from ${schema}.inbox_default where id >= lower_bound and id < upper_bound limit rows_to_move + 1) found;
    if extract(epoch from clock_timestamp() - began + (clock_timestamp() - looked_at)) * 1000 > ms_max then
      raise notice 'inbox_%, and what would follow, is left for another time: % ms are over', leaf, ms_max;
      exit;
    end if;
    if strays > rows_to_move then
      raise notice 'inbox_% is left out: the default partition holds more than % of its rows', leaf, rows_to_move;
      continue;
    end if;
    begin
      -- Made beside the table and attached, which passes open transactions, unlike "create table ... partition of".
      execute format('create table %s.inbox_%s (like %s.inbox including defaults including constraints)',
        '${schema}', leaf, '${schema}');
      if strays > 0 then
        lock table ${schema}.inbox_default in access exclusive mode;
        execute format('with moved as (delete from %s.inbox_default where id >= $1 and id < $2 returning *)
          insert into %s.inbox_%s select * from moved', '${schema}', '${schema}', leaf) using lower_bound, upper_bound;
      end if;
      execute format('alter table %s.inbox attach partition %s.inbox_%s for values from (%L) to (%L)',
        '${schema}', '${schema}', leaf, lower_bound, upper_bound);
      made := made + 1;
    exception when lock_not_available or deadlock_detected or check_violation then
      raise notice 'inbox_%, and what would follow, is left for another time: %', leaf, sqlerrm;
      exit; -- the lock that one waits for, the next would wait for too
    end;
  end loop;
  return made;
end
$body$`,
    // Nobody uses the tables yet: all the time in the world.
    `select ${schema}.inbox_add_leaves(26, 600000)`,
    ...inboxGroupTables(schema),
    // A dead letter holds the claim of its message in the inbox. It is named by the message’s id (derived from its place where the record
    // has none), for a topic that is deleted and made again repeats its offsets. With a key_hash it stands in the line of its key: only the
    // head of a line is handed to its handler, and what stands behind it has no due time before its own or waits for it.
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
  record_time_ms bigint not null default -1, -- the record’s timestamp
  key_hash bytea, -- sha256(message_key): keys may be longer than an index entry
  is_head boolean not null default true,
  state text not null default 'dead' check (state in ('dead', 'retrying')),
  due_at timestamptz check ((due_at is null) = (state = 'dead')),
  tries integer not null default 0, -- since it was last set to retrying
  unique (consumer_group, topic, message_id)
)`,
    `create index dead_letter_line on ${schema}.dead_letter (consumer_group, topic, key_hash, id) where key_hash is not null`,
    `create index dead_letter_due on ${schema}.dead_letter (consumer_group, due_at) where state = 'retrying' and is_head`,
    // The keys that hold their later messages back. Whoever adds a letter to a line, or takes one out, locks its row.
    `create table ${schema}.dead_letter_key (
  consumer_group text not null,
  topic text not null,
  key_hash bytea not null,
  letters integer not null,
  primary key (consumer_group, topic, key_hash)
)`,
    // What an owner of a partition has begun and not ended, for the next one to know after a death. A few rows that are written often:
    // room on the page keeps the writes off the index.
    `create table ${schema}.inbox_attempt (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  owner uuid not null,
  epoch bigint not null default 1,
  first_offset bigint,
  last_offset bigint,
  others bigint[] not null default '{}', -- beside the range
  alone bigint, -- the one record in hand, and none beside it
  deaths bigint[] not null default '{}', -- once for each death of a process with the record alone in hand
  given_back boolean not null default false,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (consumer_group, topic, partition)
) with (fillfactor = 25)`,
  ],
  down: (schema) => [
    `drop table ${schema}.inbox_attempt`,
    `drop table ${schema}.dead_letter_key`,
    `drop table ${schema}.dead_letter`,
    ...dropInboxGroupTables(schema),
    `drop function ${schema}.inbox_add_leaves(integer, integer)`,
    `drop table ${schema}.inbox`,
  ],
}
