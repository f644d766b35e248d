/** Drops or empties one old leaf of the inbox. Returns `done`: what it did, null when there was nothing to do. */
export function retireLeaf(schema: string): string {
  return `select ${schema}.inbox_retire_leaf() as done`
}

/** What bounds the look at a leaf that is huge. */
export const retireTimeout = `set local statement_timeout = '20s'`

/** How many blocks the default partition has. `$1` its name. Returns `blocks`. */
export const countBlocks = `select pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint as blocks`

/** Deletes what is old in some blocks of the default partition. `$1` the first, `$2` how many. Returns `swept`. */
export function sweepDefault(schema: string): string {
  return `select ${schema}.inbox_sweep_default($1::bigint, $2::integer) as swept`
}
