/**
 * What a session must know of the outbox before anything else.
 * `$1` the quoted name of the table, as text. Returns `[sequence, cache, shard count, backend]`; the sequence is quoted
 * and complete, for the session’s search path holds the system’s schema only.
 */
export function describeOutbox(schema: string): string {
  return `select s.seqrelid::regclass::text, s.seqcache, h.shard_count, pg_backend_pid()
from pg_sequence s, ${schema}.outbox_sharding h
where s.seqrelid = pg_get_serial_sequence($1, 'seq')::regclass`
}
