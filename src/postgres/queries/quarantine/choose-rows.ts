import { hasText } from './has-text.ts'
import { waitsForPlace, wasRefused } from './reason-codes.ts'

/**
 * The rows that an act is about, the oldest first. `$1` seqs or null, `$2` topic or null, `$3` key or null, `$4` whether refused rows alone,
 * `$5` how many, `$6` after this `seq`. Returns {@link ChosenRow}.
 */
export function chooseRows(schema: string): string {
  return `select seq::text as seq, ${waitsForPlace} as waits from ${schema}.outbox_quarantine
where ($1::bigint[] is null or seq = any ($1)) and ($2::text is null or (${hasText('topic', '$2::text')}))
  and ($3::text is null or (${hasText('aggregateid', '$3::text')})) and (not $4::boolean or ${wasRefused})
and seq > $6::bigint
order by outbox_quarantine.seq limit $5::integer`
}

/** A row by its `seq`, and whether it waits for its topic or partition. */
export type ChosenRow = { readonly seq: string; readonly waits: boolean }
