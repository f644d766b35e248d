/**
 * Locks a group for the rest of the transaction: whoever joins it meanwhile waits before it takes its first message, and no row of the inbox goes.
 * `$1` group. Returns {@link LockedGroupRow}.
 */
export function lockGroup(schema: string): string {
  return `select g.kind, g.topics, g.generation, nullif(r.kept_from, '-infinity') as kept_from
from ${schema}.inbox_group g, ${schema}.inbox_retention r where g.consumer_group = $1 for update of g`
}

/** A row of {@link lockGroup}. */
export type LockedGroupRow = {
  readonly kind: string
  readonly topics: readonly string[]
  readonly generation: number
  /** Of what was claimed before, rows may be gone. */
  readonly kept_from: Date | null
}

/** Whoever waits longer is told. */
export const lockGroupTimeout = `set local lock_timeout = '25s'`

/** Nothing is passed any more, and the generation is what it is to be. `$1` group, `$2` generation. */
export function rewindGroup(schema: string): string {
  return `update ${schema}.inbox_group
set generation = $2, committed = '{}', marks = '{}', marked_at = null, passed_at = '-infinity' where consumer_group = $1`
}

/** Forgets a group, so that it holds back no old rows of the inbox. `$1` group. */
export function forgetGroup(schema: string): string {
  return `delete from ${schema}.inbox_group where consumer_group = $1`
}
