import type { BackstitchError } from '../../kernel/errors.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'

/** A partition, while it is held. */
type Place = { readonly topic: string; readonly partition: number }

/** What is known, when a member gets a partition, of those that had it before. */
export type Suspicion = {
  /** Whether a record was begun by a process that did not end it: it runs alone, one such at a time. */
  readonly isSuspect: (record: ReceivedRecord) => boolean
}

/**
 * Takes note of what is begun, so that a message that kills its process is found out. All may reject, and are called again until they do
 * not: nothing is begun that was not noted.
 */
export type AttemptWatch = {
  /** A member has got a partition; none of its records was handed out yet. */
  tenureBegins(place: Place): Promise<Suspicion | undefined>
  /** From here on any of these records may be begun, until {@link chunkEnds}. */
  chunkBegins(place: Place, firstOffset: bigint, lastOffset: bigint): Promise<void> | undefined
  /** Nothing of the partition is in hand any more, and it ended cleanly. What it rejects with is of no consequence. */
  chunkEnds(place: Place): Promise<void> | undefined
  /** A suspect is begun, with no other beside it. @returns why it may not: it is a dead letter then */
  suspectBegins(record: ReceivedRecord): Promise<BackstitchError | undefined>
  /** It has ended, one way or the other, and the process is still there. */
  suspectEnds(record: ReceivedRecord): Promise<void>
}
