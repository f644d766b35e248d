/**
 * Empties the checkpoints of a slot, unless the newest one of any shard is in it: whoever comes late, an owner that was frozen before its
 * truncate, must not erase the lease of the one that came after. What is newest is looked up under the lock.
 */
export function truncateCheckpoints(schema: string, slot: 0 | 1): readonly string[] {
  const [emptied, kept] = [slot, 1 - slot].map((n) => `${schema}.outbox_checkpoint_${n}`)
  return [
    `lock table ${emptied} in access exclusive mode`,
    `do $body$ begin
  if exists (select from ${emptied}) and not exists (
    select from (select shard, max(number) as number from ${emptied} group by shard) e
    where e.number > coalesce((select max(k.number) from ${kept} k where k.shard = e.shard), -1))
  then truncate ${emptied}; end if;
end $body$`,
  ]
}
