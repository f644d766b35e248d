/**
 * The groups that use the inbox, and what lets its old rows go.
 *
 * `inbox_group` has a row for each group: its generation (rows of the inbox bear `group#2` from the second on), how long it wants its rows kept, and
 * how far it is. `passed_at` says: what was claimed before that moment lies behind committed offsets. It is found by a mark: the ends of the topics
 * as they were at `marked_at`; once all of them are committed, everything claimed before is.
 *
 * `inbox_retention.kept_from` only rises: of what was claimed before it, rows may be gone, so no redelivery may reach behind it.
 *
 * - `inbox_kept_from()` locks the groups against a rewind meanwhile, and tells from when on rows are kept; null while nothing may go.
 * - `inbox_retire_leaf()` does the one next thing: drops an old leaf that is empty, or empties one whose rows are all old; it names it, and
 *   returns null when there is nothing to do. It waits for a lock for 50 ms at most: TRUNCATE needs the leaf alone, which nobody writes to,
 *   while DROP needs the whole table for a moment. (Rows in an old leaf may be young: an old message can come late.)
 * - `inbox_sweep_default(first_block, blocks)` deletes the old rows in some blocks of the default partition.
 */
export function inboxGroupTables(schema: string): readonly string[] {
  return [
    `create table ${schema}.inbox_group (
  consumer_group text primary key,
  kind text not null,
  topics text[] not null,
  retention_ms bigint not null,
  generation integer not null default 1,
  -- by topic and partition: {"order": ["17", null]}
  committed jsonb not null default '{}',
  marks jsonb not null default '{}',
  marked_at timestamptz,
  passed_at timestamptz not null default '-infinity',
  seen_at timestamptz not null default clock_timestamp()
)`,
    `create table ${schema}.inbox_retention (
  only_row boolean primary key default true check (only_row),
  kept_from timestamptz not null default '-infinity',
  looked_at timestamptz not null default '-infinity'
)`,
    `insert into ${schema}.inbox_retention default values`,
    `create function ${schema}.inbox_kept_from() returns timestamptz language plpgsql set lock_timeout = '50ms' as $body$
declare
  kept timestamptz;
begin
  -- Holds a rewind up, which locks the row itself; a member that enrols or notes its progress goes on.
  perform from ${schema}.inbox_group order by consumer_group for key share;
  select least(clock_timestamp() - make_interval(secs => max(retention_ms) / 1000.0), min(passed_at)) into kept
  from ${schema}.inbox_group;
  return nullif(kept, '-infinity');
exception when lock_not_available then
  return null; -- an operator rewinds a group
end
$body$`,
    `create function ${schema}.inbox_retire_leaf() returns text language plpgsql set lock_timeout = '50ms' as $body$
declare
  span constant bigint := 536870912; -- 2^29 ms, as of inbox_add_leaves
  kept timestamptz := ${schema}.inbox_kept_from();
  leaf record;
  is_busy boolean := false;
  is_needed boolean;
begin
  if kept is null or not pg_try_advisory_xact_lock(hashtextextended('${schema}.inbox_add_leaves', 0)) then
    return null;
  end if;
  for leaf in
    select format('%s.%I', '${schema}', c.relname) as place, pg_relation_size(c.oid) = 0 as is_empty
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = '${schema}.inbox'::regclass and c.relname ~ '^inbox_[0-9]{1,9}$'
      and (substr(c.relname, 7)::bigint + 1) * span <= extract(epoch from kept) * 1000
    order by c.relname
  loop
    continue when leaf.is_empty and is_busy;
    begin
      if leaf.is_empty then
        -- the root first: the other way round is a deadlock with whoever claims
        is_busy := true;
        lock table only ${schema}.inbox in access exclusive mode;
        is_busy := false;
        execute format('lock table %s in access exclusive mode', leaf.place);
        execute format('select exists (select from %s)', leaf.place) into is_needed;
        continue when is_needed;
        execute format('drop table %s', leaf.place);
        return format('dropped %s', leaf.place);
      end if;
      -- A look that locks nobody out comes first.
      execute format('select exists (select from %s where received_at >= $1)', leaf.place) into is_needed using kept;
      continue when is_needed;
      execute format('lock table %s in access exclusive mode', leaf.place);
      execute format('select exists (select from %s where received_at >= $1)', leaf.place) into is_needed using kept;
      continue when is_needed;
      execute format('truncate %s', leaf.place);
      update ${schema}.inbox_retention set kept_from = greatest(kept_from, kept);
      return format('emptied %s', leaf.place);
    exception when lock_not_available or deadlock_detected then
      null; -- another time
    end;
  end loop;
  return null;
end
$body$`,
    `create function ${schema}.inbox_sweep_default(first_block bigint, blocks integer) returns integer language plpgsql as $body$
declare
  kept timestamptz := ${schema}.inbox_kept_from();
  swept integer;
begin
  delete from ${schema}.inbox_default
  where ctid >= format('(%s,0)', first_block)::tid and ctid < format('(%s,0)', first_block + blocks)::tid and received_at < kept;
  get diagnostics swept = row_count;
  if swept > 0 then
    update ${schema}.inbox_retention set kept_from = greatest(kept_from, kept);
  end if;
  return swept;
end
$body$`,
  ]
}

/** The reverse of {@link inboxGroupTables}. */
export function dropInboxGroupTables(schema: string): readonly string[] {
  return [
    `drop function ${schema}.inbox_sweep_default(bigint, integer)`,
    `drop function ${schema}.inbox_retire_leaf()`,
    `drop function ${schema}.inbox_kept_from()`,
    `drop table ${schema}.inbox_retention`,
    `drop table ${schema}.inbox_group`,
  ]
}
