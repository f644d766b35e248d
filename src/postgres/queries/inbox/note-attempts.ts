/**
 * Writes what an owner has begun, unless the row has been taken over since. Affects 1 row, or 0. The commit waits for no disk.
 *
 * `$1` group, `$2` topic, `$3` partition, `$4` owner, `$5` epoch, `$6` first offset, `$7` last offset, `$8` others, `$9` the one alone,
 * `$10` deaths, `$11` whether it is given back.
 */
export function noteAttempts(schema: string): string {
  return `with quick as materialized (select set_config('synchronous_commit', 'off', true))
update ${schema}.inbox_attempt set first_offset = $6::bigint, last_offset = $7::bigint, others = $8::bigint[], alone = $9::bigint,
  deaths = $10::bigint[], given_back = $11::boolean, changed_at = clock_timestamp()
from quick
where consumer_group = $1 and topic = $2 and partition = $3::integer and owner = $4::uuid and epoch = $5::bigint`
}
