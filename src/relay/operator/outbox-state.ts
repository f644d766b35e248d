import type { BoundedCount } from './quarantine-entry.ts'

/** How far one shard of an outbox is. */
export type ShardState = {
  readonly shard: number
  /** Absent when nobody has published it yet, or it was given back. */
  readonly owner?: string
  /** Zero or less: the lease is over, and the next relay takes it. */
  readonly leaseRemainingMs: number
  /** Rises with each new owner. `0`: nobody has owned it yet. */
  readonly epoch: string
  /** When the checkpoint was saved. */
  readonly savedAt?: Date
  /** Rows that are not published yet, parked ones aside. */
  readonly pending: BoundedCount
  /** When the oldest of them was written, as far as they were counted. */
  readonly oldestPendingAt?: Date
  /** A backlog that is read in pages: published up to `position`, of the sequence as it was at `end`. */
  readonly window?: { readonly position: string; readonly end: string }
}

/** A leaf of the outbox’s table. */
type LeafState = {
  readonly name: string
  /** As Postgres tells it. */
  readonly bounds: string
  readonly isDefault: boolean
  /** With its indexes. */
  readonly bytes: number
}

/** How an outbox is. */
export type OutboxState = {
  readonly shards: readonly ShardState[]
  readonly quarantine: {
    readonly rows: BoundedCount
    /** Keys that wait behind a refused row of theirs. */
    readonly keys: BoundedCount
    /** Topics that rows are parked for, at most 100. */
    readonly topics: readonly string[]
    readonly oldestParkedAt?: Date
  }
  readonly leaves: readonly LeafState[]
  /** Rows in the default leaf: more than none means that leaves were not made in time. */
  readonly defaultLeafRows: BoundedCount
}
