import type { Migration } from './migration.ts'

/** The instances of sagas, their definitions as they were at the start, their business keys and their history. */
export const saga: Migration = {
  name: '0004-saga',
  part: 'saga',
  up: (schema) => [
    `create table ${schema}.saga_definition (
  name text not null,
  version integer not null,
  hash text not null,
  graph jsonb not null,
  registered_at timestamptz not null default clock_timestamp(),
  primary key (name, version, hash)
)`,
    // The state is rewritten at each transition: room is left in the pages so that the new version stays beside the old one.
    `create table ${schema}.saga_instance (
  id uuid primary key,
  name text not null,
  version integer not null,
  hash text not null,
  business_key text not null,
  orchestrator text not null,
  status text not null check (status in ('running', 'compensating', 'completed', 'compensated', 'parked')),
  state text not null,
  reason text,
  traceparent text,
  tracestate text,
  revision integer not null default 0,
  started_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
) with (fillfactor = 70)`,
    `create index saga_instance_parked on ${schema}.saga_instance (id) where status = 'parked'`,
    // Where ended sagas are many and unfinished ones few: an orchestrator that starts asks for those of other forms of its definitions.
    `create index saga_instance_unfinished on ${schema}.saga_instance (name, version, hash) where ended_at is null`,
    // Outlives the instances: a start that is delivered again must not start an ended saga anew.
    `create table ${schema}.saga_business_key (
  name text not null,
  business_key text not null,
  saga_id uuid not null,
  started_at timestamptz not null default clock_timestamp(),
  primary key (name, business_key)
)`,
    `create table ${schema}.saga_history (
  saga_id uuid not null,
  revision integer not null,
  ordinal integer not null,
  at timestamptz not null default clock_timestamp(),
  kind text not null,
  step text,
  round integer,
  direction text,
  attempt integer,
  detail text,
  primary key (saga_id, revision, ordinal)
)`,
    // Messages for a definition version that the orchestrator which read them did not have.
    `create table ${schema}.saga_set_aside (
  orchestrator text not null,
  message_id uuid not null,
  name text not null,
  version integer not null,
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  message_key bytea,
  headers jsonb not null,
  payload bytea,
  set_aside_at timestamptz not null default clock_timestamp(),
  primary key (orchestrator, topic, message_id)
)`,
    `create index saga_set_aside_definition on ${schema}.saga_set_aside (name, version)`,
  ],
  down: (schema) =>
    ['saga_set_aside', 'saga_history', 'saga_business_key', 'saga_instance', 'saga_definition'].map(
      (table) => `drop table ${schema}.${table}`,
    ),
}
