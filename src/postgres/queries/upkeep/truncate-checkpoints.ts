/**
 * Empties the checkpoints of a slot, unless the newest one of any shard is in it: whoever comes late, an owner that was frozen before its
 * truncate, must not erase the lease of the one that came after. What is newest is looked up under the lock. Fails with `object_in_use` when
 * the slot is left as it was for that; an empty slot is fine.
 */
export function truncateCheckpoints(schema: string, slot: 0 | 1): readonly string[] {
  const [emptied, kept] = [slot, 1 - slot].map((n) => `${schema}.outbox_checkpoint_${n}`)
  return [
    `lock table ${emptied} in access exclusive mode`,
    `do $body$ begin
  if not exists (select from ${emptied}) then return; end if;
  if exists (
    select from (select shard, max(number) as number from ${emptied} group by shard) e
    where e.number > coalesce((select max(k.number) from ${kept} k where k.shard = e.shard), -1))
  then raise object_in_use using message = 'a checkpoint of the slot is the newest one of its shard'; end if;
  truncate ${emptied};
end $body$`,
  ]
}
