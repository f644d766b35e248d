/** Rows of a leaf of the outbox: about 150 MB at 600 bytes each. Small, for a leaf that is not full yet is the floor of the table’s size. */
export const leafRows = 250_000

/** How long anything here waits for a lock: business writers stand behind it meanwhile. */
const lockTimeout = '25ms'

/** Tables of kept rows that one call drops. */
const droppedMax = 20

/** Numbers before the next leaf that are drawn rather than set: more than all writers draw in the moment between a look at the sequence and setting it. */
const drawnMax = 10_000

/** Settled rows that are kept, about, and that one call removes: a relay has all that it might meet again in memory. */
const settledMax = 50_000
const forgottenMax = 5_000

/**
 * The functions by which the relay keeps the leaves of the outbox. They run with the rights of the tables’ owner, so that the relay’s user
 * needs none on the tables, and so that new leaves belong to the owner of the others. Each call is a transaction of its own: one statement,
 * which no frozen client can leave open. Each looks at what it needs under the lock itself, whatever its caller believed.
 */
export function outboxLeafFunctions(schema: string): readonly string[] {
  const definer = `security definer set search_path = pg_catalog, pg_temp set lock_timeout = '${lockTimeout}'`
  const functions = {
    // The last drawn value; 0 before the first.
    'outbox_last_seq()': `returns bigint language sql stable ${definer}
  return coalesce(pg_sequence_last_value(pg_get_serial_sequence('${schema}.outbox', 'seq')::regclass), 0)`,

    // The leaves of the outbox, lowest first; the default partition has no bounds.
    'outbox_leaves()': `returns table (leaf regclass, name text, lower bigint, upper bigint, bytes bigint) language sql stable ${definer} as $body$
  select c.oid::regclass, c.relname::text,
    substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \\(''(\\d+)''\\)')::bigint,
    substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''(\\d+)''\\)')::bigint,
    pg_relation_size(c.oid)
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = '${schema}.outbox'::regclass
  order by 3 nulls last
$body$`,

    // Whether every row of the leaf is published under the saved checkpoint of every shard. A row is: visible to the snapshot up to which all
    // is published, or, of a large window that is being published in the order of seq, visible to its end and not behind the position.
    // What a snapshot does not see is what begins at or after its xmax and what it lists as under way, so two looks into the index
    // (xid, seq) answer for any number of rows; an old open transaction, which holds back xmin, changes neither the answer nor its cost.
    'outbox_is_passed(leaf regclass)': `returns boolean language plpgsql volatile ${definer} set enable_seqscan = off set enable_bitmapscan = off as $body$
declare
  last bigint;
  saved record;
  done pg_snapshot;
  shards integer := 0;
  unpublished boolean;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'each look must see what was committed before the lock: run this in read committed';
  end if;
  execute format('select max(seq) from %s', leaf) into last;
  if last is null then
    return true;
  end if;
  for saved in
    select c.number, c.previous, c.current, c.position, c.system_identifier = here.system_identifier as from_here,
      shard_count = settled_count as is_settled
    from ${schema}.outbox_sharding cross join generate_series(0, shard_count - 1) as s (shard) cross join pg_control_system() here
    left join lateral (select * from ${schema}.outbox_checkpoint p where p.shard = s.shard order by number desc limit 1) c on true
  loop
    shards := shards + 1;
    if saved.number is null or not saved.from_here or not saved.is_settled then
      return false;
    end if;
    done := case when saved.current is not null and saved.position >= last then saved.current else saved.previous end;
    if pg_snapshot_xmax(done) > pg_snapshot_xmax(pg_current_snapshot()) then
      return false; -- from a future that this server has lost
    end if;
    execute format('select exists (select from %1$s where xid >= $1) or exists (select from %1$s where xid = any ($2))', leaf)
      into unpublished using pg_snapshot_xmax(done), array(select pg_snapshot_xip(done));
    if unpublished then
      return false;
    end if;
  end loop;
  return shards > 0;
end
$body$`,

    // Whether the newest row is older than rows are kept, by this server's clock, and no replay waits for it. Rows from the future do not count: one wrong clock of a
    // writer would keep the leaf for ever.
    'outbox_is_aged(leaf regclass, keep_ms bigint)': `returns boolean language plpgsql stable ${definer} as $body$
declare
  present constant timestamp := clock_timestamp() at time zone 'UTC';
  newest timestamp;
  is_needed boolean;
begin
  execute format('select exists (select from %2$s.outbox_replay r, (select min(seq) as low, max(seq) as high from %1$s) l
    where r.state in (''requested'', ''running'') and r.shard < (select shard_count from %2$s.outbox_sharding)
      and r.position < l.high and r.seq_to >= l.low)', leaf, '${schema}') into is_needed;
  if is_needed then
    return false; -- a replay has yet to read it
  end if;
  if keep_ms <= 0 then
    return true;
  end if;
  execute format('select max(created_at) from (select created_at from %s order by seq desc limit 1000) r where created_at <= $1', leaf)
    into newest using present;
  return newest is null or newest < present - keep_ms * interval '1 millisecond';
end
$body$`,

    // Adds a leaf: made beside the table and attached, which passes open transactions, unlike "create table ... partition of". The check on
    // xid sits on the leaf and is not valid, so that a dump can be restored. Rows are never updated, and leaves emptied whole: a
    // vacuum that inserts alone have made due would only hold that up.
    'outbox_add_leaf(lower bigint, upper bigint)': `returns void language plpgsql volatile ${definer} as $body$
declare
  leaf constant text := format('%s.outbox_%s', '${schema}', lower / ${leafRows});
begin
  execute format('create table %s (like %s.outbox including defaults including constraints)
    with (autovacuum_vacuum_insert_threshold = -1)', leaf, '${schema}');
  execute format('alter table %s add constraint outbox_own_xid check (xid = pg_current_xact_id()) not valid', leaf);
  execute format('alter table %s.outbox attach partition %s for values from (%s) to (%s)', '${schema}', leaf, lower, upper);
  if exists (select from pg_constraint where conrelid = '${schema}.outbox_default'::regclass and conname = 'outbox_gap') then
    alter table ${schema}.outbox_default drop constraint outbox_gap;
  end if;
end
$body$`,

    // Empties a leaf that the sequence has left behind, once all in it is published. The order is what makes it safe: the lock first, which
    // waits for whoever has a row in the leaf, and then, by new snapshots, the look.
    'outbox_empty_leaf(leaf_name text, keep_ms bigint)': `returns boolean language plpgsql volatile ${definer} as $body$
declare
  found record;
  last_seq bigint;
begin
  select * into found from ${schema}.outbox_leaves() l where l.name = leaf_name;
  if found.leaf is null then
    return false;
  end if;
  execute format('lock table %s in access exclusive mode', found.leaf);
  last_seq := ${schema}.outbox_last_seq();
  if last_seq + 1 < found.upper
    or (found.upper is null and not exists (select from ${schema}.outbox_leaves() l where l.lower <= last_seq + 1 and l.upper > last_seq + 1))
    or not ${schema}.outbox_is_passed(found.leaf) or not ${schema}.outbox_is_aged(found.leaf, keep_ms) then
    return false;
  end if;
  execute format('truncate table only %s', found.leaf);
  return true;
end
$body$`,

    // Takes leaves out of the outbox that the sequence has left behind: empty ones are dropped; where rows are kept, published ones become
    // tables of their own, for each leaf costs something at each look of the relay. The outbox is locked first, for a lock on a leaf in
    // the hand of one who waits for the outbox is a deadlock with a writer; and the leaves of one call are few, for writers wait.
    'outbox_remove_leaves(keep_ms bigint)': `returns text[] language plpgsql volatile ${definer} as $body$
declare
  before constant bigint := ${schema}.outbox_last_seq() + 1;
  removed text[] := '{}';
  found record;
  began timestamptz;
begin
  for found in
    select * from ${schema}.outbox_leaves() l where l.upper <= before and (l.bytes = 0 or (keep_ms > 0 and ${schema}.outbox_is_passed(l.leaf)))
  loop
    if began is null then
      lock table only ${schema}.outbox in access exclusive mode;
      began := clock_timestamp();
    end if;
    exit when clock_timestamp() - began > interval '${lockTimeout}';
    execute format('lock table %s in access exclusive mode', found.leaf);
    if pg_relation_size(found.leaf) = 0 then
      execute format('drop table %s', found.leaf);
    elsif keep_ms > 0 and ${schema}.outbox_is_passed(found.leaf) then
      execute format('alter table %s.outbox detach partition %s', '${schema}', found.leaf);
      execute format('alter table %s rename to %s', found.leaf, replace(found.name, 'outbox_', 'outbox_kept_'));
    else
      continue;
    end if;
    removed := removed || found.name;
  end loop;
  return removed;
end
$body$`,

    // Tables of kept rows, lowest first; no row has a smaller seq than the one that the name says.
    'outbox_kept()': `returns table (leaf regclass, name text, lower bigint) language sql stable ${definer} as $body$
  select c.oid::regclass, c.relname::text, substring(c.relname from '\\d+$')::bigint * ${leafRows} from pg_class c
  where c.relnamespace = '${schema}'::regnamespace and c.relkind = 'r' and c.relname ~ '^outbox_kept_\\d+$'
  order by 3
$body$`,

    // Published rows, kept or still in the outbox, in the order of seq, without those that operators skipped or edited. Null stands for any. Of the kept tables only those are looked at that
    // can hold a row of the range, each from its lowest seq to that of the next one: a statement locks every table it plans with.
    'outbox_published_rows(after_seq bigint, up_to bigint, done pg_snapshot, only_type text, only_key text, created_from timestamp, created_to timestamp, only_shard integer, rows_max integer)': `returns setof ${schema}.outbox language plpgsql stable ${definer} set enable_seqscan = off set enable_bitmapscan = off as $body$
declare
  tables text;
begin
  select string_agg(format('(select * from %s r where seq > $1 and seq <= $2 and pg_visible_in_snapshot(xid, $3)
    and ($4 is null or aggregatetype = $4) and ($5 is null or aggregateid = $5)
    and ($6 is null or created_at >= $6) and ($7 is null or created_at <= $7)
    and not exists (select from %s.outbox_settled s where s.seq = r.seq and s.id = r.id)
    and ((select shard_count from %s.outbox_sharding) = 1 or %s.outbox_shard(aggregateid, (select shard_count from %s.outbox_sharding)) = $8)
    order by seq limit $9)', t.leaf, '${schema}', '${schema}', '${schema}', '${schema}'), ' union all ') into tables
  from (
    select k.leaf from (select n.leaf, n.lower, lead(n.lower) over (order by n.lower) as next_lower from ${schema}.outbox_kept() n) k
    where k.lower <= up_to and (k.next_lower is null or k.next_lower > after_seq + 1)
    union all select '${schema}.outbox'::regclass
  ) t;
  return query execute 'select * from (' || tables || ') r order by seq limit $9'
    using after_seq, up_to, done, only_type, only_key, created_from, created_to, only_shard, rows_max;
end
$body$`,

    // The first row that there still is. One table after the other: there may be more of them than one statement can lock.
    'outbox_kept_from()': `returns table (seq bigint, created_at timestamp) language plpgsql stable ${definer} as $body$
declare
  kept record;
begin
  for kept in (select k.leaf from ${schema}.outbox_kept() k order by k.lower) union all select '${schema}.outbox'::regclass loop
    return query execute format('select r.seq, r.created_at from %s r order by r.seq limit 1', kept.leaf);
    exit when found;
  end loop;
end
$body$`,

    // Removes settled rows, some of them a call, whose rows of the outbox are gone, and the oldest where there are very many.
    'outbox_forget_settled()': `returns bigint language plpgsql volatile ${definer} as $body$
declare
  first bigint;
  removed bigint;
begin
  select k.seq into first from ${schema}.outbox_kept_from() k;
  delete from ${schema}.outbox_settled where (seq, id) in (
    select s.seq, s.id from ${schema}.outbox_settled s
    where first is null or s.seq < first
      or s.seq <= (select n.seq from ${schema}.outbox_settled n order by n.seq desc, n.id desc offset ${settledMax} limit 1)
    order by s.seq, s.id limit ${forgottenMax});
  get diagnostics removed = row_count;
  return removed;
end
$body$`,

    // Drops tables of rows that have been kept long enough, the oldest first up to the first one that is not, a few a call: each is locked until
    // the call ends, and there may be more of them than a transaction can lock.
    'outbox_drop_kept(keep_ms bigint)': `returns text[] language plpgsql volatile ${definer} as $body$
declare
  dropped text[] := '{}';
  found record;
begin
  for found in select * from ${schema}.outbox_kept() limit ${droppedMax} loop
    exit when not ${schema}.outbox_is_aged(found.leaf, keep_ms);
    execute format('drop table %s', found.leaf);
    dropped := dropped || found.name;
  end loop;
  return dropped;
end
$body$`,

    // Promises that the default partition holds no row of a range far ahead, so that a leaf can be attached there without a look at all
    // that the partition holds, for which its writers would wait. To be validated next, which holds up nobody.
    'outbox_open_gap(lower bigint, upper bigint)': `returns void language plpgsql volatile ${definer} as $body$
begin
  execute format('alter table %s.outbox_default add constraint outbox_gap check (seq < %s or seq >= %s) not valid', '${schema}', lower, upper);
end
$body$`,
    'outbox_validate_gap()': `returns void language plpgsql volatile ${definer} as $body$
begin
  alter table ${schema}.outbox_default validate constraint outbox_gap;
end
$body$`,
    'outbox_close_gap()': `returns void language plpgsql volatile ${definer} as $body$
begin
  alter table ${schema}.outbox_default drop constraint if exists outbox_gap;
end
$body$`,

    // Moves the sequence to the next leaf, when it has left the last one: what is written from now on goes there. One caller after the other,
    // each looking where the sequence is once it is its turn: of two at once the later one would else set it back to where the first one found it.
    // Writers draw from it all the while, so the last numbers before the leaf are drawn like theirs instead of set.
    'outbox_skip_to_leaf()': `returns bigint language plpgsql volatile ${definer} as $body$
declare
  sequence constant regclass := pg_get_serial_sequence('${schema}.outbox', 'seq')::regclass;
  next_seq bigint;
  target bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('outbox leaves of ${schema}', 0));
  next_seq := ${schema}.outbox_last_seq() + 1;
  if exists (select from ${schema}.outbox_leaves() l where l.lower <= next_seq and l.upper > next_seq) then
    return null;
  end if;
  select min(lower) into target from ${schema}.outbox_leaves() l where l.lower > next_seq;
  if target > next_seq + ${drawnMax} then
    perform setval(sequence, target - 1);
  elsif target is not null then
    perform count(nextval(sequence)) from generate_series(next_seq, target - 1);
  end if;
  return target;
end
$body$`,
  }
  return Object.entries(functions).flatMap(([signature, body]) => [
    `create function ${schema}.${signature} ${body}`,
    `revoke execute on function ${schema}.${signature.replace(/\b(?:leaf|leaf_name|lower|upper|keep_ms|after_seq|up_to|done|only_type|only_key|created_from|created_to|only_shard|rows_max) (?=\w)/g, '')} from public`,
  ])
}

/** Drops {@link outboxLeafFunctions}. */
export function dropOutboxLeafFunctions(schema: string): readonly string[] {
  return outboxLeafFunctions(schema)
    .flatMap((statement) => /^revoke execute on function (.*) from public$/.exec(statement)?.[1] ?? [])
    .toReversed()
    .map((signature) => `drop function ${signature}`)
}
