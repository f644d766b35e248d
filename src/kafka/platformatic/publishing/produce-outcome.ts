import type { PublishFailure } from '../../../transport/publisher.ts'
import { BrokerRefusal } from '../client/broker-refusal.ts'
import { code } from '../client/error-codes.ts'

/** What a broker answered to a batch. */
export type PartitionAnswer = {
  readonly errorCode: number
  readonly detail: string | null
  /** The records that it is about, by their place in the batch, where the broker names them. */
  readonly recordErrors: readonly { readonly place: number; readonly detail: string | null }[]
}

/**
 * What became of a batch.
 * - `written`; `unsure`: it may be written, and is recognised when it comes again.
 * - `stale`: another broker has to be asked. It may be written as well: a leader that is replaced while its replicas write the batch answers
 *   so, and they may keep it.
 * - `passing`: not written; a later try can succeed.
 * - `tooLarge`, `refused`: not written, and never will be as it is.
 * - `broken`: the broker’s count of this producer’s records is not ours.
 */
export type Outcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'unsure' | 'passing' | 'stale' | 'tooLarge' | 'broken'; readonly cause: unknown }
  | { readonly kind: 'refused'; readonly failureOf: (place: number) => PublishFailure }

const written: Outcome = { kind: 'written' }

const stale: ReadonlySet<number> = new Set([
  code.unknownTopicOrPartition,
  code.leaderNotAvailable,
  code.notLeader,
  code.replicaNotAvailable,
  code.storageError,
  code.fencedLeaderEpoch,
  code.unknownLeaderEpoch,
])
const passing: ReadonlySet<number> = new Set([
  code.notEnoughReplicas,
  code.throttled,
  // the driver dates the records: a clock is wrong, ours or the broker’s, and no record is to blame
  code.invalidTimestamp,
  // spoilt on its way
  code.corruptMessage,
])
const unsure: ReadonlySet<number> = new Set([
  code.unknownServerError,
  code.requestTimedOut,
  code.networkException,
  code.notEnoughReplicasAfterAppend,
])
const ofTopic: ReadonlySet<number> = new Set([code.invalidTopic, code.topicAuthorizationFailed])

/** What the answer to a batch means. */
export function outcomeOf({ errorCode, detail, recordErrors }: PartitionAnswer): Outcome {
  if (errorCode === code.none || errorCode === code.duplicateSequence) return written
  const cause = new BrokerRefusal(errorCode, detail)
  if (stale.has(errorCode)) return { kind: 'stale', cause }
  if (passing.has(errorCode)) return { kind: 'passing', cause }
  if (unsure.has(errorCode)) return { kind: 'unsure', cause }
  if (errorCode === code.messageTooLarge || errorCode === code.recordListTooLarge)
    return { kind: 'tooLarge', cause }
  if (ofTopic.has(errorCode)) return refused({ kind: 'topic', reason: cause.message, cause })
  if (errorCode !== code.invalidRecord) return { kind: 'broken', cause }
  if (recordErrors.length === 0) return refused({ kind: 'record', reason: cause.message, cause })
  const blamed = new Map(
    recordErrors.map(({ place, detail: reason }): [number, PublishFailure] => [
      place,
      { kind: 'record', reason: reason ?? cause.message, cause },
    ]),
  )
  const beside: PublishFailure = {
    kind: 'retriable',
    reason: `another record of its batch was refused: ${cause.message}`,
    cause,
  }
  return { kind: 'refused', failureOf: (place) => blamed.get(place) ?? beside }
}

/** All records fail alike. */
export function refused(failure: PublishFailure): Outcome {
  return { kind: 'refused', failureOf: () => failure }
}
