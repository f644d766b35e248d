import type { QuarantineChange } from '../quarantine/quarantine-session.ts'
import type { Checkpoint, LeaseView, SavedCursor } from './checkpoint.ts'

/** What is appended as the next checkpoint. */
export type CheckpointSave = {
  readonly epoch: bigint
  readonly owner: string
  /** The lease runs this long from the moment of the save, by the database’s clock. */
  readonly leaseDurationMs: number
  /** The checkpoint gets at least this number; default: the next one. Only without changes of the quarantine. */
  readonly leapTo?: bigint
  /** Gives the lease back. Default false. */
  readonly release?: boolean
  readonly cursor: SavedCursor
  /** What changes in the quarantine together with the checkpoint. */
  readonly quarantine?: QuarantineChange
}

/** The database’s side of leases and checkpoints. Each call is one autocommit statement: no frozen process can keep a lock. */
export type LeaseSession = {
  view(): Promise<LeaseView>
  /** Takes the lease if nobody holds it; `undefined` when somebody does. The epoch of the checkpoint returned is the new one. */
  acquire(owner: string, leaseDurationMs: number): Promise<Checkpoint | undefined>
  /**
   * Appends a checkpoint and renews the lease if the newest checkpoint has our epoch; `undefined`: another owner came, nothing was written.
   * `xid` is the transaction of the save: all transactions before it had begun when it began.
   */
  save(save: CheckpointSave): Promise<{ readonly number: bigint; readonly xid: bigint } | undefined>
}
