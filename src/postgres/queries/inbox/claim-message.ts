/**
 * Claims a message for a group. Affects 1 row, or 0 when it was claimed before; waits for another transaction that claims it.
 * `$1` group, `$2` source, `$3` id.
 */
export function claimMessage(schema: string): string {
  return `insert into ${schema}.inbox (consumer_group, source, id) values ($1, $2, $3) on conflict do nothing`
}

/**
 * The same, once all transactions before it that named the same text have ended. The lock comes first: whoever waits for it holds nothing
 * yet. A hash that two texts share makes them wait for each other, no more.
 * `$1` group, `$2` source, `$3` id, `$4` text.
 */
export function claimMessageInLine(schema: string): string {
  return `with in_line as materialized (select pg_advisory_xact_lock(hashtextextended($4, 0)))
insert into ${schema}.inbox (consumer_group, source, id) select $1, $2, $3::uuid from in_line on conflict do nothing`
}
