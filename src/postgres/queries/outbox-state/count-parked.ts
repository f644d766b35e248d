import { wasRefused } from '../quarantine/reason-codes.ts'

/** What is in the quarantine. `$1` how many are counted. Returns {@link ParkedCountRow}. */
export function countParked(schema: string): string {
  return `select
  (select count(*)::integer from (select from ${schema}.outbox_quarantine limit $1::integer) r) as rows,
  (select count(*)::integer from (select from ${schema}.outbox_quarantine where ${wasRefused} limit $1::integer) r) as keys,
  (select parked_at from ${schema}.outbox_quarantine order by seq limit 1) as oldest`
}

/** Counts. A key has one refused row; what waits behind it is no other key. */
export type ParkedCountRow = { readonly rows: number; readonly keys: number; readonly oldest: Date | null }

/**
 * The topics that rows are parked for, by the index of their hashes, so that it costs a look for each topic and not for each row.
 * `$1` how many topics. Returns `topic`.
 */
export function listParkedTopics(schema: string): string {
  const next = (condition: string): string =>
    `(select q.topic, hashtextextended(q.topic, 0) as hash from ${schema}.outbox_quarantine q${condition}
    order by hashtextextended(q.topic, 0), hashtextextended(q.aggregateid, 0), q.seq limit 1)`
  return `with recursive t as (
  ${next('')}
  union all
  select n.topic, n.hash from t cross join lateral ${next(' where hashtextextended(q.topic, 0) > t.hash')} n
)
select topic from (select topic from t limit $1::integer) t order by topic`
}
