/** Releases messages that were held back until they are due. */
export type DeferredSession = {
  /**
   * Moves due messages into the outbox, the earliest first, with one statement, and nothing if the owner is not the one of the epoch any more:
   * each is moved once, whatever crashes. Those that somebody else is taking back just now are passed over.
   *
   * @returns a refusal: nothing was moved, and the session is as it was
   */
  releaseDue(release: Release): Promise<Released | ReleaseRefused>
  /** The key of the message that {@link releaseDue} would move first; `undefined` when there is none. */
  firstDue(release: Release): Promise<DeferredKey | undefined>
}

/** Which messages are to be moved. */
export type Release = {
  readonly epoch: bigint
  readonly owner: string
  /** Nothing that was due before is looked at: a time as an earlier release told it. `null` looks at everything. */
  readonly from: string | null
  /** So many at most. */
  readonly rowsMax: number
  /** Messages of these keys stay where they are. */
  readonly without: readonly DeferredKey[]
}

/** Messages of one key are moved in the order of their due times. */
export type DeferredKey = { readonly aggregateType: string; readonly key: string }

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

/** The database does not take it. */
export type ReleaseRefused = {
  readonly refused: {
    /** SQLSTATE. */
    readonly state: string
    readonly reason: string
    /** Whether a message may be to blame: a constraint of the outbox, or a trigger, refuses it. Else it is a lock, a right, or the time. */
    readonly isOfMessage: boolean
  }
}
