import type { Migration } from './migration.ts'

/**
 * The audit trail: one entry for each act of an operator, written in the transaction of the act. The table only grows: a trigger refuses
 * everything else, so that nobody changes an entry by mistake. (Whoever owns the table can take the trigger away; sealing the entries so
 * that this shows is a step of its own, for which the columns have room.)
 */
export const audit: Migration = {
  name: '0006-audit',
  part: 'audit',
  up: (schema) => [
    `create table ${schema}.audit_entry (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor_kind text not null,
  actor_id text not null,
  verb text not null,
  target_kind text not null,
  target_id text not null,
  reason text not null,
  before jsonb,
  after jsonb
)`,
    // By a hash: a target may be named by a key that is longer than an entry of an index.
    `create index audit_entry_target on ${schema}.audit_entry (target_kind, hashtextextended(target_id, 0), seq)`,
    `create index audit_entry_at on ${schema}.audit_entry (at)`,
    `create function ${schema}.audit_entry_only_grows() returns trigger language plpgsql as $body$
begin
  raise exception 'entries of the audit trail are neither changed nor deleted' using errcode = 'restrict_violation';
end
$body$`,
    `create trigger audit_entry_only_grows before update or delete or truncate on ${schema}.audit_entry
  for each statement execute function ${schema}.audit_entry_only_grows()`,
  ],
  down: (schema) => [`drop table ${schema}.audit_entry`, `drop function ${schema}.audit_entry_only_grows()`],
}
