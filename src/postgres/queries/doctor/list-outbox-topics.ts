/** The newest rows that are looked at. */
const rowsMax = 10_000

/**
 * The aggregate types of the newest rows of the outbox, and the topics that rows of the quarantine wait for, with the number of those rows.
 * Returns {@link OutboxTopicRow}.
 */
export function listOutboxTopics(schema: string): string {
  return `select 'outbox' as origin, aggregatetype as name, count(*)::integer as rows
from (select aggregatetype from ${schema}.outbox order by seq desc limit ${rowsMax}) newest group by 2
union all
select 'quarantine', topic, count(*)::integer from (select topic from ${schema}.outbox_quarantine limit ${rowsMax}) parked group by 2
order by 1, 2`
}

/** A row of {@link listOutboxTopics}: an aggregate type, or of the quarantine a topic. */
export type OutboxTopicRow = {
  readonly origin: 'outbox' | 'quarantine'
  readonly name: string
  readonly rows: number
}
