/** A leaf of the outbox: a partition for a range of `seq`. */
export type Leaf = {
  readonly name: string
  readonly from: bigint
  /** The first `seq` behind it. */
  readonly to: bigint
  readonly bytes: number
  /** Whether all in it is published, by the saved checkpoint of every shard. `undefined`: it was not looked at, for there is nothing to do. */
  readonly isPublished: boolean | undefined
  /** Whether its rows have been kept for long enough. */
  readonly isAged: boolean | undefined
}

/** How the outbox is laid out. */
export type LeafLayout = {
  /** Nothing can be done on a standby. */
  readonly inRecovery: boolean
  /** The sequence’s last drawn value. */
  readonly last: bigint
  /** Lowest first, without the default partition. */
  readonly leaves: readonly Leaf[]
  /** The partition that takes what no leaf does. */
  readonly rest: Pick<Leaf, 'name' | 'bytes' | 'isPublished' | 'isAged'> | undefined
  /** Where the default partition promises to hold nothing, so that a leaf can be attached there; not to be relied on before it is valid. */
  readonly gap: { readonly from: bigint; readonly to: bigint; readonly isValid: boolean } | undefined
  /** Whether the relay has a backlog in hand. */
  readonly isWalking: boolean
  /** Tables of kept rows. */
  readonly kept: number
}

/**
 * The database’s side of keeping leaves: a connection of its own, so that a publish that hangs holds nothing up. Each call is one autocommit
 * statement that looks at everything anew under its own locks, so that any number of relays may call it. It waits for a lock for some
 * milliseconds only; `false` says that somebody holds it. After any error the session is to be closed.
 */
export type LeafSession = {
  look(): Promise<LeafLayout>
  /** Adds a leaf for `from <= seq < to`. */
  add(from: bigint, to: bigint): Promise<boolean>
  openGap(from: bigint, to: bigint): Promise<boolean>
  /** Takes as long as reading the default partition does; it holds up nobody. */
  validateGap(): Promise<boolean>
  closeGap(): Promise<boolean>
  /** Moves the sequence to the next leaf, if it stands in none. */
  skipToLeaf(): Promise<boolean>
  /** Empties a leaf, or the default partition, if all in it is published and the sequence has left it. */
  empty(name: string): Promise<boolean>
  /** Takes empty leaves, and leaves of kept rows, out of the outbox. Their names; `undefined` where somebody holds a lock. */
  remove(): Promise<readonly string[] | undefined>
  /** Drops a few tables of rows that were kept long enough, the oldest first. Their names; `undefined` where somebody holds a lock. */
  dropKept(): Promise<readonly string[] | undefined>
  /** Removes some of the notes of rows that operators settled, where the rows are gone. How many; 0 where somebody holds a lock. */
  forgetSettled(): Promise<number>
  /** Lets go of the connection. Never throws. */
  close(): void
}
