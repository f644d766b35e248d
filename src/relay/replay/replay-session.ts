import type { OutboxTuple } from '../source/outbox-tuple.ts'
import type { Page } from '../source/source-session.ts'

/** A wish to have published rows sent again, as far as one shard is concerned. */
export type Replay = {
  readonly id: string
  /** Rows up to this `seq` are done. */
  readonly position: bigint
  /** The last `seq`. */
  readonly to: bigint
  /** Instead of the topics of the rows. */
  readonly topic: string | undefined
  /** Whether records get ids of their own, derived from the replay and the old one. */
  readonly newIds: boolean
}

/** What became of a slice of a replay. The numbers are added to those before. */
export type ReplayProgress = {
  readonly id: string
  readonly epoch: bigint
  readonly position: bigint
  readonly published: number
  /** Of keys, topics and partitions that are held back. */
  readonly skipped: number
  readonly refused: number
  readonly state: 'running' | 'completed' | 'failed'
  readonly failure?: string
}

/**
 * The database’s side of replays, for the owner of a shard. Where the database refuses something, but the session is as good as before, each
 * throws `DATABASE_TOO_SLOW` for what a later try may do, and else `REPLAY_FAILED`.
 */
export type ReplaySession = {
  /** The oldest replay that is not done. */
  nextReplay(): Promise<Replay | undefined>
  /** Its rows after the position, up to `upTo`, of those visible to the snapshot up to which all is published. */
  readReplay(replay: Replay, upTo: bigint, done: string): Promise<Page<OutboxTuple>>
  /** `false`: it was cancelled, or another owner came; nothing was written. */
  saveReplay(progress: ReplayProgress): Promise<boolean>
}
