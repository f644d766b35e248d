/**
 * Claims messages for a group in the order in which they come, which must be sorted. Whoever claims one of them at the same time waits for
 * the end of this transaction.
 * `$1` group, `$2` topics and `$3` message ids, side by side. Returns `id` of each message that was not claimed before.
 */
export function claimMessages(schema: string): string {
  return `insert into ${schema}.inbox (consumer_group, source, id)
select $1, m.source, m.id
from unnest($2::text[], $3::uuid[]) with ordinality as m (source, id, ordinality)
order by m.ordinality
on conflict do nothing
returning id`
}
