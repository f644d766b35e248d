import type { Migration } from './migration.ts'

/** The timers of sagas: rows that can be listed, moved and cancelled. */
export const timer: Migration = {
  name: '0005-timer',
  part: 'timer',
  up: (schema) => [
    `create table ${schema}.timer (
  saga_id uuid not null,
  step text not null,
  direction text not null,
  round integer not null,
  attempt integer not null,
  orchestrator text not null,
  due_at timestamptz not null,
  primary key (saga_id, step, direction)
)`,
    `create index timer_due on ${schema}.timer (orchestrator, due_at)`,
  ],
  down: (schema) => [`drop table ${schema}.timer`],
}
