/** The sequence of an outbox’s `seq`. `$1` the quoted name of the table, as text. Returns {@link OutboxSequenceRow}; no row where it has none. */
export const readOutboxSequence = `select s.seqcache::integer as cache, s.seqcycle as cycles,
  coalesce(pg_sequence_last_value(s.seqrelid), 0)::text as last
from pg_sequence s where s.seqrelid = pg_get_serial_sequence($1, 'seq')::regclass`

/** A row of {@link readOutboxSequence}. */
export type OutboxSequenceRow = { readonly cache: number; readonly cycles: boolean; readonly last: string }
