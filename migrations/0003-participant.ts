import type { Migration } from './migration.ts'

/**
 * What a participant did for each step of each saga: one row per logical execution, shared by all its attempts. It replays the stored reply
 * to a duplicate, remembers an undo that came first, and refuses the forward command that comes after it. (The barrier of dtm.)
 *
 * The reply’s body is kept as the codec encoded it, in text or in bytes; neither is a reply without a body.
 */
export const participant: Migration = {
  name: '0003-participant',
  part: 'participant',
  up: (schema) => [
    `create table ${schema}.participant_step (
  saga_id uuid not null,
  step text not null,
  round integer not null,
  direction text not null check (direction in ('do', 'undo')),
  saga_name text not null,
  command_type text not null,
  command_id uuid not null,
  outcome text not null,
  reply text,
  reply_binary bytea,
  handled_at timestamptz not null default clock_timestamp(),
  primary key (saga_id, step, round, direction),
  constraint participant_one_reply check (reply is null or reply_binary is null)
)`,
  ],
  down: (schema) => [`drop table ${schema}.participant_step`],
}
