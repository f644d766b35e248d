/** The columns of a saga that moving it takes, of the table called `i`. */
export const instanceColumns =
  'i.id, i.name, i.version, i.hash, i.business_key, i.orchestrator, i.status, i.state, i.revision, i.traceparent, i.tracestate'

/** A row with {@link instanceColumns}. */
export type InstanceRecord = {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly hash: string
  readonly business_key: string
  readonly orchestrator: string
  readonly status: string
  readonly state: string
  readonly revision: number
  readonly traceparent: string | null
  readonly tracestate: string | null
}

/**
 * Loads sagas and locks them in the order of their ids.
 * `$1` ids. Returns {@link InstanceRecord}.
 */
export function lockInstances(schema: string): string {
  return `select ${instanceColumns} from ${schema}.saga_instance as i where i.id = any($1::uuid[]) order by i.id for update`
}
