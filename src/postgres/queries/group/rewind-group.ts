/**
 * Locks a group for the rest of the transaction: whoever joins it meanwhile waits before it takes its first message, and no row of the inbox goes.
 * `$1` group. Returns {@link LockedGroupRow}.
 */
export function lockGroup(schema: string): string {
  return `select kind, topics, generation from ${schema}.inbox_group where consumer_group = $1 for update`
}

/**
 * From when on the inbox has kept its rows, once the group is locked: a statement of its own, for the lock may have been waited for while
 * another transaction emptied a leaf, and its wait would not renew what was read beside it. Returns {@link KeptFromRow}.
 */
export function readKeptFrom(schema: string): string {
  return `select nullif(kept_from, '-infinity') as kept_from from ${schema}.inbox_retention`
}

/** A row of {@link readKeptFrom}. */
export type KeptFromRow = {
  /** Of what was claimed before, rows may be gone. */
  readonly kept_from: Date | null
}

/** A row of {@link lockGroup}. */
export type LockedGroupRow = {
  readonly kind: string
  readonly topics: readonly string[]
  readonly generation: number
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
