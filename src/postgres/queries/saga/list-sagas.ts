/** The columns of {@link SummaryRecord}, of the table called `i`. Times in milliseconds since 1970. */
const summaryColumns = `i.id, i.name, i.version, i.business_key, i.orchestrator, i.status, i.reason,
  ${ms('i.started_at')} as started_at_ms, ${ms('i.updated_at')} as updated_at_ms, ${ms('i.ended_at')} as ended_at_ms`

/** A saga in a list. */
export type SummaryRecord = {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly business_key: string
  readonly orchestrator: string
  readonly status: string
  readonly reason: string | null
  readonly started_at_ms: number
  readonly updated_at_ms: number
  readonly ended_at_ms: number | null
}

/**
 * Sagas, the newest first: ids begin with their time.
 * `$1` status, or null for all, `$2` limit. Returns {@link SummaryRecord}.
 */
export function listSagas(schema: string): string {
  return `select ${summaryColumns}
from ${schema}.saga_instance as i
where $1::text is null or i.status = $1
order by i.id desc
limit $2`
}

/**
 * One saga.
 * `$1` id. Returns {@link SummaryRecord}, or no row.
 */
export function findSaga(schema: string): string {
  return `select ${summaryColumns} from ${schema}.saga_instance as i where i.id = $1`
}

/** A time as milliseconds since 1970: whatever the user makes of `timestamptz` in `pg`. */
export function ms(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::float8`
}
