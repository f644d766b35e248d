/**
 * Adds a leaf to the outbox: made beside it and attached, which passes open transactions, unlike `create table ... partition of`.
 * The check on `xid` sits on the leaf and is not valid, so that a dump can be restored. `name` is one of ours and needs no quotes.
 */
export function addLeaf(schema: string, name: string, from: bigint, to: bigint): readonly string[] {
  const leaf = `${schema}.${name}`
  return [
    `create table ${leaf} (like ${schema}.outbox including defaults including constraints)`,
    `alter table ${leaf} add constraint outbox_own_xid check (xid = pg_current_xact_id()) not valid`,
    `alter table ${schema}.outbox attach partition ${leaf} for values from (${from}) to (${to})`,
  ]
}
