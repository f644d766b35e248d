/** Releases messages that were held back until they are due. */
export type DeferredSession = {
  /**
   * Moves due messages into the outbox, the earliest first, with one statement, and nothing if the owner is not the one of the epoch any more:
   * each is moved once, whatever crashes. Those that somebody else is taking back just now are passed over.
   *
   * @returns `undefined`: it could not be done now, or we may not; another time
   */
  releaseDue(release: {
    readonly epoch: bigint
    readonly owner: string
    /** Nothing that was due before is looked at: a time as an earlier release told it. `null` looks at everything. */
    readonly from: string | null
  }): Promise<Released | undefined>
}

/** What a release did. */
export type Released = {
  readonly count: number
  /** There may be more that are due. */
  readonly more: boolean
  /** What to look from next: an earlier message can only be one whose transaction committed late. */
  readonly next: string
  /** Milliseconds until the next message is due. `undefined`: there is none. */
  readonly untilNextMs: number | undefined
}
