import { hasText } from './has-text.ts'
import { waitsForPlace, wasRefused } from './reason-codes.ts'

/**
 * What operators want of keys, out of the next rows for which they want something. `$1` the shard, `$2` how many rows, `$3` after this `seq`.
 * Returns `[topic, key, waits for its topic or partition, has a retry, seqs to skip, first seq of the key, rows, last of them, whether a row of the key
 * was refused and is not to be skipped]`.
 */
export function readIntents(schema: string): string {
  return `select i.topic, i.aggregateid, i.waits, i.retry, i.skips, (select h.seq from ${schema}.outbox_quarantine h
  where ${hasText('h.topic', 'i.topic')} and ${hasText('h.aggregateid', 'i.aggregateid')} order by h.seq limit 1), i.rows, i.last, exists (select from ${schema}.outbox_quarantine r
  where ${hasText('r.topic', 'i.topic')} and ${hasText('r.aggregateid', 'i.aggregateid')} and r.${wasRefused} and r.intent is distinct from 'skip')
from (
  select w.topic, w.aggregateid, bool_and(w.${waitsForPlace}) as waits, bool_or(w.intent = 'retry') as retry,
    coalesce(string_agg(w.seq::text, ',' order by w.seq) filter (where w.intent = 'skip'), '') as skips, count(*) as rows, max(w.seq) as last
  from (
    select q.seq, q.topic, q.aggregateid, q.reason_code, q.intent from ${schema}.outbox_quarantine q
    where q.shard = $1::smallint and q.intent is not null and (q.intent = 'skip' or not q.${waitsForPlace}) and q.seq > $3::bigint
    order by q.shard, q.seq limit $2::integer
  ) w
  group by w.topic, w.aggregateid order by min(w.seq)
) i`
}
