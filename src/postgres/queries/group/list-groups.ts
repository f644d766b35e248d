/** The groups of an inbox, or one of them. `$1` group, or null. Returns {@link GroupRow}. */
export function listGroups(schema: string): string {
  return `select g.consumer_group as "group", g.kind, g.topics, g.generation, g.retention_ms::text, g.seen_at,
  nullif(g.passed_at, '-infinity') as passed_at,
  (select count(*) from ${schema}.dead_letter d where d.consumer_group = g.consumer_group) as dead_letters
from ${schema}.inbox_group g where $1::text is null or g.consumer_group = $1 order by 1`
}

/** A row of {@link listGroups}. */
export type GroupRow = {
  readonly group: string
  readonly kind: 'consumer' | 'participant' | 'orchestrator'
  readonly topics: readonly string[]
  readonly generation: number
  readonly retention_ms: string
  readonly seen_at: Date
  readonly passed_at: Date | null
  readonly dead_letters: string
}
