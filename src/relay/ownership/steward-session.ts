import type { LeaseView } from '../lease/checkpoint.ts'

/** The lease of a shard as the steward sees it. */
type ShardLease = Pick<LeaseView, 'owner' | 'remainingMs' | 'checkpoint'> & {
  readonly shard: number
}

/** Who owns which shard of an outbox, and what the server says of itself: one look, one statement. */
export type OutboxView = Pick<LeaseView, 'inRecovery' | 'systemIdentifier' | 'timeline' | 'snapshot'> & {
  readonly shardCount: number
  /** The number of shards that the checkpoints were made under. */
  readonly settledCount: number
  /** Relay processes at work on this outbox, this one included; one that has not looked for a while is not counted. */
  readonly relays: number
  /** Each shard once, by number. */
  readonly shards: readonly ShardLease[]
}

/** What a steward must keep within. */
export type StewardSettings = {
  readonly leaseDurationMs: number
}

/**
 * The connection with which a relay process shows that it is there, and sees who owns what. As long as it lasts the process is counted: a
 * dead one vanishes with its connection. No row is written for it.
 */
export type StewardSession = {
  look(): Promise<OutboxView>
  /** Lets go at once. Never throws. */
  close(): void
}
