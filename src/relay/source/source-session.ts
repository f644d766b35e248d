import type { OutboxTuple } from './outbox-tuple.ts'

/** What one look at the outbox brings: all in one statement, so under one snapshot. */
export type LiveReading = {
  /** A standby’s snapshot knows of no open transaction: what was read from one is worthless. */
  readonly inRecovery: boolean
  readonly snapshot: string
  /** The end of the log after the snapshot was taken. */
  readonly insertedTo: bigint
  /** How far the log was on disk after the rows were read. */
  readonly flushedTo: bigint
  /** The sequence’s last drawn value, read after the snapshot was taken. */
  readonly sequenceLast: bigint
  /** The rows of the window in the order of `seq`. `undefined`: there are more than a page holds, so the window is to be read in pages. */
  readonly rows: readonly OutboxTuple[] | undefined
}

/** Rows in order. `full`: the page was cut by the number of its rows or by their bytes, there may be more behind the last one. */
export type Page<Row> = {
  readonly rows: readonly Row[]
  readonly full: boolean
  /**
   * Says that neither the rows nor the records made of them will be used any more: their bytes are written over then. Called once at most, and
   * only when all has gone well; else the garbage collector sees to it.
   */
  release?(): void
}

/** One page of a window that does not change any more. */
export type PageRead =
  /** Rows of transactions that the earlier snapshot saw under way, up to the place from which the table is walked. */
  | {
      readonly kind: 'early'
      readonly xids: readonly bigint[]
      readonly after: bigint
      readonly upTo: bigint
    }
  /** All other rows, in the order of the primary key. */
  | {
      readonly kind: 'walk'
      readonly previous: string
      readonly current: string
      readonly after: bigint
      readonly upTo: bigint
    }

/** What waits in an outbox. */
type Backlog = {
  /** Committed and not published, parked rows left out. */
  readonly pending: number
  /** Of the oldest of them, by the database’s clock; 0 when there is none. */
  readonly oldestAgeSeconds: number
  /** In the quarantine, up to 10,000. */
  readonly parked: number
}

/** The database’s side of reading. */
export type SourceSession = {
  /**
   * False when sessions draw values of the sequence in advance: a later transaction may then have a smaller `seq` than an earlier one, and
   * nothing can be concluded from the sequence.
   */
  readonly sequenceInOrder: boolean
  /** The rows that have become visible since a snapshot, with what is needed to judge them. */
  readLive(since: { readonly xmax: bigint; readonly inProgress: readonly bigint[] }): Promise<LiveReading>
  readPage(read: PageRead): Promise<Page<OutboxTuple>>
  /** What is not published yet, counted up to a limit and estimated beyond it: cheap, whatever the backlog. */
  measureBacklog(cursor: {
    readonly previous: string
    readonly current: string | null
    readonly position: bigint
    readonly walkFrom: bigint
  }): Promise<Backlog>
  /** How far the log is on disk. */
  flushedTo(): Promise<bigint>
  /** Brings the log to disk, up to now. */
  flush(): Promise<void>
}
