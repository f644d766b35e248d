/**
 * Makes the leaves of the inbox that are missing, as far as that holds up nobody.
 * `$1` how many after the present one. Returns `made`: how many it made.
 */
export function addLeaves(schema: string): string {
  return `select ${schema}.inbox_add_leaves($1::integer) as made`
}

/** What bounds the call by itself ends between two leaves; this ends it anywhere. */
export const leavesTimeout = `set local statement_timeout = '2s'`
