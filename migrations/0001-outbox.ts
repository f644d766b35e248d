import { type Migration, uuidV7Default } from './migration.ts'
import { dropOutboxLeafFunctions, leafRows, outboxLeafFunctions } from './outbox/leaf-functions.ts'

const leavesAtFirst = 4
/** Rows are never updated, and leaves emptied whole: a vacuum that inserts alone have made due would only hold that up. */
const noVacuum = 'with (autovacuum_vacuum_insert_threshold = -1)'

/**
 * The outbox and the relay’s side tables.
 *
 * `xid` stands before `seq`: defaults are computed in the order of the columns, so a transaction has its xid before it draws a `seq`.
 * The check on `xid` sits on each leaf and is `not valid`: a value of another transaction or cluster is refused, while the rows of a
 * dump can be restored.
 */
export const outbox: Migration = {
  name: '0001-outbox',
  part: 'outbox',
  up: (schema) => [
    `create table ${schema}.outbox (
  xid xid8 not null default pg_current_xact_id(),
  seq bigint generated always as identity,
  id uuid not null default ${uuidV7Default},
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  version integer not null default 1,
  payload text,
  payload_binary bytea,
  content_type text,
  headers jsonb,
  correlation_id text,
  causation_id text,
  traceparent text,
  tracestate text,
  saga_id uuid,
  saga_name text,
  saga_step text,
  saga_round integer,
  saga_direction text,
  saga_attempt integer,
  reply_to text,
  outcome text,
  expires_at timestamp,
  created_at timestamp not null default (clock_timestamp() at time zone 'UTC'),
  primary key (seq),
  constraint outbox_one_payload check (payload is null or payload_binary is null)
) partition by range (seq)`,
    // by transaction, and within one by seq: a page of a large transaction costs a page
    `create index outbox_xid on ${schema}.outbox (xid, seq)`,
    ...Array.from({ length: leavesAtFirst }, (_, leaf) => [
      `create table ${schema}.outbox_${leaf} partition of ${schema}.outbox for values from (${leaf * leafRows}) to (${(leaf + 1) * leafRows}) ${noVacuum}`,
      `alter table ${schema}.outbox_${leaf} add constraint outbox_own_xid check (xid = pg_current_xact_id()) not valid`,
    ]).flat(),
    `create table ${schema}.outbox_default partition of ${schema}.outbox default ${noVacuum}`,
    `alter table ${schema}.outbox_default add constraint outbox_own_xid check (xid = pg_current_xact_id()) not valid`,

    // The shard of a key. SHA-256 instead of Postgres's own hash functions, which may change between major versions: a key must stay in its shard.
    `create function ${schema}.outbox_shard(key text, shard_count integer) returns integer
  language sql immutable strict parallel safe
  return (('x' || encode(substring(sha256(convert_to(key, 'UTF8')) from 1 for 4), 'hex'))::bit(32)::bigint & 4294967295) % shard_count`,
    `create table ${schema}.outbox_sharding (
  only_row boolean primary key default true check (only_row),
  shard_count smallint not null check (shard_count between 1 and 256),
  hash text not null,
  settled_count smallint not null
)`,
    // `settled_count` is the number that the checkpoints were made under: where the two differ, somebody changed the number by hand, and a key may be in
    // a shard that has passed its rows.
    `insert into ${schema}.outbox_sharding (shard_count, hash, settled_count) values (1, 'sha256-32', 1)`,

    // Lease and checkpoint of a shard in one row; the newest by number counts. Rows are appended, and the two slots truncated in turn:
    // a row updated in place leaves dead versions behind a held snapshot.
    `create table ${schema}.outbox_checkpoint (
  slot smallint not null,
  shard smallint not null,
  number bigint not null,
  epoch bigint not null,
  owner text,
  lease_until timestamptz not null,
  previous pg_snapshot not null,
  current pg_snapshot,
  position bigint not null default 0,
  walk_from bigint not null default 0,
  low_water bigint not null default 0,
  sequence_high bigint not null default 0,
  system_identifier bigint not null,
  timeline integer not null,
  saved_at timestamptz not null default clock_timestamp(),
  primary key (shard, number, slot),
  check (slot = (number / 4096) % 2)
) partition by list (slot)`,
    `create table ${schema}.outbox_checkpoint_0 partition of ${schema}.outbox_checkpoint for values in (0)`,
    `create table ${schema}.outbox_checkpoint_1 partition of ${schema}.outbox_checkpoint for values in (1)`,

    // The number of partitions that a topic is written to with: another one would move keys, so it is adopted on purpose only.
    `create table ${schema}.outbox_topic (
  shard smallint not null,
  topic text not null,
  partition_count integer not null,
  adopt_count integer,
  pinned_at timestamptz not null default clock_timestamp(),
  primary key (shard, topic)
)`,
    `create table ${schema}.outbox_quarantine (
  seq bigint primary key,
  shard smallint not null,
  topic text not null,
  partition integer,
  id uuid not null,
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  version integer not null,
  payload text,
  payload_binary bytea,
  content_type text,
  headers jsonb,
  correlation_id text,
  causation_id text,
  traceparent text,
  tracestate text,
  saga_id uuid,
  saga_name text,
  saga_step text,
  saga_round integer,
  saga_direction text,
  saga_attempt integer,
  reply_to text,
  outcome text,
  expires_at timestamp,
  created_at timestamp not null,
  reason_code text not null,
  reason text not null,
  parked_at timestamptz not null default clock_timestamp(),
  intent text check (intent in ('retry', 'skip')),
  intent_by text,
  intent_reason text,
  intent_at timestamptz,
  original_id uuid
)`,
    // Rows that operators settled: they skipped them, or had an edited one published instead. Where rows of the outbox are read again, by a replay or
    // after the number of shards was changed, these are passed over. With the id, for a sequence that somebody restarts gives a `seq` twice. The
    // upkeep removes those whose rows are gone.
    `create table ${schema}.outbox_settled (
  seq bigint not null,
  id uuid not null,
  settled_as text not null check (settled_as in ('skipped', 'edited')),
  settled_at timestamptz not null default clock_timestamp(),
  primary key (seq, id)
)`,
    // By hashes: plain SQL may write texts that are longer than an entry of an index, and what cannot be parked would stop the outbox.
    `create index outbox_quarantine_key on ${schema}.outbox_quarantine (hashtextextended(topic, 0), hashtextextended(aggregateid, 0), seq)`,
    // What the next owner must know at once, however many rows there are: it goes from one topic, key or partition to the next. By a digest,
    // for of two with the same hash it would take the second for the first.
    `create function ${schema}.outbox_digest(topic text, key text) returns bytea
  language sql immutable strict parallel safe
  return sha256(convert_to(length(topic) || ':' || topic || key, 'UTF8'))`,
    `create index outbox_quarantine_waiting on ${schema}.outbox_quarantine (shard, ${schema}.outbox_digest(topic, ''), seq)
  where reason_code = 'OUTBOX_TOPIC_UNKNOWN'`,
    `create index outbox_quarantine_held on ${schema}.outbox_quarantine (shard, ${schema}.outbox_digest(topic, ''), partition, seq)
  where reason_code = 'OUTBOX_PARTITION_HELD'`,
    `create index outbox_quarantine_parked on ${schema}.outbox_quarantine (shard, ${schema}.outbox_digest(topic, aggregateid), seq)
  where reason_code not in ('OUTBOX_TOPIC_UNKNOWN', 'OUTBOX_PARTITION_HELD')`,
    `create index outbox_quarantine_refused on ${schema}.outbox_quarantine (hashtextextended(topic, 0), hashtextextended(aggregateid, 0), seq)
  where reason_code not in ('OUTBOX_TOPIC_UNKNOWN', 'OUTBOX_PARTITION_HELD', 'OUTBOX_KEY_PARKED')`,
    // For the count alone: as a plain column it could serve what the others are for, by walking rows of others.
    `create index outbox_quarantine_count on ${schema}.outbox_quarantine ((shard::integer), seq)`,
    `create index outbox_quarantine_intent on ${schema}.outbox_quarantine (shard, seq) where intent is not null`,

    // Messages that wait for their time, with the columns of the outbox. Deleted as they are released, by the owner of the outbox.
    `create table ${schema}.outbox_deferred (
  id uuid primary key default ${uuidV7Default},
  due_at timestamptz not null,
  seq bigint generated always as identity,
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  version integer not null default 1,
  payload text,
  payload_binary bytea,
  content_type text,
  headers jsonb,
  correlation_id text,
  causation_id text,
  traceparent text,
  tracestate text,
  saga_id uuid,
  saga_name text,
  saga_step text,
  saga_round integer,
  saga_direction text,
  saga_attempt integer,
  reply_to text,
  outcome text,
  expires_at timestamp,
  constraint outbox_deferred_one_payload check (payload is null or payload_binary is null)
)`,
    `create index outbox_deferred_due on ${schema}.outbox_deferred (due_at, seq)`,

    // Wishes to have published rows sent again, one for each shard; its owner carries it out.
    `create table ${schema}.outbox_replay (
  id uuid not null default ${uuidV7Default},
  shard smallint not null,
  requested_at timestamptz not null default clock_timestamp(),
  requested_by text not null,
  reason text not null,
  seq_from bigint not null,
  seq_to bigint not null,
  created_from timestamp,
  created_to timestamp,
  aggregatetype text,
  aggregateid text,
  topic text,
  new_ids boolean not null default false,
  state text not null default 'requested' check (state in ('requested', 'running', 'completed', 'cancelled', 'failed')),
  position bigint not null,
  published bigint not null default 0,
  skipped bigint not null default 0,
  refused bigint not null default 0,
  failure text,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (id, shard)
)`,
    ...outboxLeafFunctions(schema),
  ],
  down: (schema) => [
    ...dropOutboxLeafFunctions(schema),
    `drop table ${schema}.outbox_replay`,
    `drop table ${schema}.outbox_deferred`,
    `drop table ${schema}.outbox_settled`,
    `drop table ${schema}.outbox_quarantine`,
    `drop table ${schema}.outbox_topic`,
    `drop function ${schema}.outbox_digest(text, text)`,
    `drop table ${schema}.outbox_checkpoint`,
    `drop table ${schema}.outbox_sharding`,
    `drop function ${schema}.outbox_shard(text, integer)`,
    `do $kept$ declare found record; begin
  for found in select c.oid::regclass as leaf from pg_class c
    where c.relnamespace = to_regnamespace('${schema}') and c.relkind = 'r' and c.relname ~ '^outbox_kept_\\d+$' loop
    execute format('drop table %s', found.leaf);
  end loop;
end $kept$`,
    `drop table ${schema}.outbox`,
  ],
}
