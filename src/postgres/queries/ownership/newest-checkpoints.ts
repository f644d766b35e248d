/** The newest checkpoint of each shard, as a table in parentheses. */
export function newestCheckpoints(schema: string): string {
  return `(select distinct on (shard) * from ${schema}.outbox_checkpoint order by shard, number desc)`
}
