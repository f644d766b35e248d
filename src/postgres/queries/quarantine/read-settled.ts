/** Notes that are read: more than the upkeep leaves. */
const settledMax = 100_000

/**
 * Rows of the outbox that operators skipped, or had published edited, the newest of them. `$1` after this `seq`. Returns `[seq, id]`, the id as it
 * was in the outbox.
 */
export function readSettled(schema: string): string {
  return `select seq, id from ${schema}.outbox_settled where seq > $1::bigint order by seq desc, id desc limit ${settledMax}`
}
