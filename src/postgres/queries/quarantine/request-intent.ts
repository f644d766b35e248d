/**
 * Notes what an operator wants of rows in the quarantine; the owner of the outbox does it.
 * `$1` `retry` or `skip`, `$2` by whom, `$3` why, `$4` seqs. Returns the seqs.
 */
export function requestIntent(schema: string): string {
  return `with noted as (
  update ${schema}.outbox_quarantine
  set intent = $1::text, intent_by = $2::text, intent_reason = $3::text, intent_at = clock_timestamp()
  where seq = any ($4::bigint[])
  returning seq
)
select seq::text as seq from noted order by noted.seq`
}

/**
 * Makes the verbs of operators on one outbox follow one another, until the end of the transaction: what one of them finds about a key then
 * holds while it writes. Relays do not take it. `$1` the quoted schema.
 */
export const lockVerbs = `select pg_advisory_xact_lock(hashtextextended('outbox verbs ' || $1::text, 0))`
