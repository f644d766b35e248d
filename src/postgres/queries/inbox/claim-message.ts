import { transactionBegan } from '../../../kernel/database.ts'
import { notHeld } from './held-keys.ts'

/**
 * Claims a message for a group. Affects 1 row, or 0 when it was claimed before; waits for another transaction that claims it.
 * With `order` `key`, 0 also while the group has dead letters that hold any key; and 0 where the transaction has not begun.
 * `$1` the group’s name in the inbox, `$2` source, `$3` id, `$4` fingerprint, with `order` `key` `$5` the group.
 */
export function claimMessage(schema: string, order: 'key' | 'none'): string {
  return `insert into ${schema}.inbox (consumer_group, source, id, fingerprint)
select $1, $2, $3::uuid, $4::bigint where ${transactionBegan}${order === 'key' ? ` and ${notHeld(schema, '$5')}` : ''} on conflict do nothing`
}

/**
 * The same, once all transactions before it that named the same text have ended. The lock comes first: whoever waits for it holds nothing
 * yet. A hash that two texts share makes them wait for each other, no more.
 * `$1` the group’s name in the inbox, `$2` source, `$3` id, `$4` fingerprint, `$5` text, with `order` `key` `$6` the group.
 */
export function claimMessageInLine(schema: string, order: 'key' | 'none'): string {
  return `with in_line as materialized (${standInLine('$5')})
insert into ${schema}.inbox (consumer_group, source, id, fingerprint)
select $1, $2, $3::uuid, $4::bigint from in_line where ${transactionBegan}${order === 'key' ? ` and ${notHeld(schema, '$6')}` : ''} on conflict do nothing`
}

/** Waits for the end of all transactions before it that named the same text. @param text a parameter */
export function standInLine(text: string = '$1'): string {
  return `select pg_advisory_xact_lock(hashtextextended(${text}, 0))`
}
