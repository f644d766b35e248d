/** A partition as a group reads it. */
export type AttemptPlace = { readonly group: string; readonly topic: string; readonly partition: number }

/** Offsets from the first to the last, both of them included. */
export type OffsetRange = { readonly first: bigint; readonly last: bigint }

/** What is begun in a partition, and not known to have ended. */
export type StartedAttempts = {
  /** Records of it may be in hand. It also covers some that are still to come, so that it need not be written for each of them. */
  readonly range: OffsetRange | undefined
  /** Single records beside the range: those that are tried again, and suspects that still wait. */
  readonly others: readonly bigint[]
  /** The one record that is in hand; nothing else of the member is. */
  readonly alone: bigint | undefined
  /** Offsets of records that were alone in hand when their process died, once for each death. */
  readonly deaths: readonly bigint[]
  /** Its owner lives and gives the partition back: if anything is still in hand, no death is to be counted for it. */
  readonly isGivenBack: boolean
}

/** Nothing is begun. */
export const nothingStarted: StartedAttempts = {
  range: undefined,
  others: [],
  alone: undefined,
  deaths: [],
  isGivenBack: false,
}

/** The name of an owner’s tenure of a partition: whoever takes it later has a higher epoch. */
export type AttemptTenure = { readonly owner: string; readonly epoch: bigint }

/**
 * Remembers, beyond the death of a process, what it had begun: one row for each partition of a group. Its rows need to survive the death of
 * our process and not that of the server, so they are written without waiting for the disk.
 */
export type AttemptLog = {
  /**
   * Takes a partition over. From then on its former owner writes in vain, and a record that was alone in the hand of another owner, which
   * has not given the partition back, has one death more.
   *
   * @param owner a UUID of this member, new at each start
   * @returns what was begun there before
   * @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, …
   */
  take(
    place: AttemptPlace,
    owner: string,
  ): Promise<{ readonly tenure: AttemptTenure; readonly left: StartedAttempts }>
  /**
   * Writes what is begun now in the place of what was said before.
   * @returns false when somebody else has taken the partition since: nothing is written then
   * @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, …
   */
  note(place: AttemptPlace, tenure: AttemptTenure, started: StartedAttempts): Promise<boolean>
}
