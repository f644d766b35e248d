/**
 * How far an outbox has been published, as it is saved: the rows visible to `current` and not to `previous` are being published in the
 * order of `seq`, and those up to `position` are done. Without `current` everything visible to `previous` is done.
 */
export type SavedCursor = {
  readonly previous: string
  readonly current: string | null
  readonly position: bigint
  /** Rows not visible to `previous` have a greater `seq` than this, except those of transactions that `previous` lists as under way. */
  readonly walkFrom: bigint
  /** All rows not visible to `previous` have a greater `seq` than this: what is up to here is published, whatever is still under way. */
  readonly lowWater: bigint
  /** The sequence’s last value, read after the newer of the two snapshots. A restored database is compared with it. */
  readonly sequenceHigh: bigint
}

/** The newest checkpoint of a shard. Lease and checkpoint are one row, so that no owner can begin from a place it does not own. */
export type Checkpoint = {
  readonly number: bigint
  /** Rises with each change of owner: the fencing token. */
  readonly epoch: bigint
  readonly cursor: SavedCursor
  /** The cluster that the checkpoint was saved in. */
  readonly systemIdentifier: string
  readonly timeline: number
}

/** Who owns a shard just now, and what the server says of itself. */
export type LeaseView = {
  /** `undefined` before the first owner ever, and after a release. */
  readonly owner: string | undefined
  /** By the database’s clock; zero or less when it is over, or when there is no owner. */
  readonly remainingMs: number
  /** A standby does not know which transactions are open, so nothing may be read from it. */
  readonly inRecovery: boolean
  /** Of this server. */
  readonly systemIdentifier: string
  readonly timeline: number
  readonly snapshot: string
  /** The newest checkpoint; `undefined` when there was never an owner. */
  readonly checkpoint: Checkpoint | undefined
}
