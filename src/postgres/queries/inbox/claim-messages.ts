import { transactionBegan } from '../../../kernel/database.ts'
import { heldKey, notHeld } from './held-keys.ts'

/**
 * Claims messages of one source for a group, in the order of their ids, whatever order they come in. Returns `id` of each that was not
 * claimed before; of two with one id, the first is claimed. Claims nothing while the group has dead letters that hold any key, if `order`
 * is `key`.
 * `$1` the group’s name in the inbox, `$2` source, `$3` ids, `$4` fingerprints, with `order` `key` `$5` the group.
 */
export function claimMessages(schema: string, order: 'key' | 'none'): string {
  return `insert into ${schema}.inbox (consumer_group, source, id, fingerprint)
select $1, $2, e.id, e.fingerprint
from unnest($3::uuid[], $4::bigint[]) with ordinality as e (id, fingerprint, n)
where ${transactionBegan}${order === 'key' ? ` and ${notHeld(schema, '$5')}` : ''}
order by e.id, e.n
on conflict do nothing
returning id`
}

/**
 * The same, but for those whose key is held.
 * `$5` keys, `$6` the group.
 */
export function claimMessagesOfFreeKeys(schema: string): string {
  return `insert into ${schema}.inbox (consumer_group, source, id, fingerprint)
select $1, $2, e.id, e.fingerprint
from unnest($3::uuid[], $4::bigint[], $5::bytea[]) with ordinality as e (id, fingerprint, key, n)
left join ${heldKey(schema, 'e.key', '$6')} as held on true
where held.held is null and ${transactionBegan}
order by e.id, e.n
on conflict do nothing
returning id`
}

/**
 * Looks for messages of one source that were claimed before. Returns those of which there is more to say than that they were, with the same
 * body: `n` its place from 0, `found`, `reused` if it was claimed with another body, and `held` if its key is held.
 * `$1` the group’s name in the inbox, `$2` source, `$3` ids, `$4` fingerprints, `$5` keys, or none, `$6` the group.
 *
 * The lateral table is looked up by its primary key, message by message, in the one leaf that can hold it.
 */
export function findClaims(schema: string): string {
  return `select e.n::integer - 1 as n, seen.found is not null as found, coalesce(seen.fingerprint <> e.fingerprint, false) as reused,
  held.held is not null as held
from unnest($3::uuid[], $4::bigint[], $5::bytea[]) with ordinality as e (id, fingerprint, key, n)
left join lateral (select true as found, i.fingerprint from ${schema}.inbox i
  where i.consumer_group = $1 and i.source = $2 and i.id = e.id offset 0) as seen on true
left join ${heldKey(schema, 'e.key', '$6')} as held on true
where seen.found is null or seen.fingerprint <> e.fingerprint or held.held`
}

/** A row of {@link findClaims}. */
export type FoundClaimRow = {
  readonly n: number
  readonly found: boolean
  readonly reused: boolean
  readonly held: boolean
}
