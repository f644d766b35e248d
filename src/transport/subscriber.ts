/** One record as it was read. */
export type ReceivedRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
  /** The record’s timestamp: when it was published. */
  readonly timestampMs: number
}

/** Records of one partition in order. */
export type ReceivedBatch = {
  readonly topic: string
  readonly partition: number
  readonly records: readonly ReceivedRecord[]
  /** The offset after the partition’s last record. */
  readonly highWatermark: bigint
  /**
   * Aborts when the group is dealt out anew or the subscriber stops: finish the records in hand, begin no others. A commit right after
   * still succeeds: see {@link BatchHandler.settle}.
   */
  readonly signal: AbortSignal
  /**
   * Commits that everything before `nextOffset` is done. Call it only after the database commit; before or after `onBatch` has returned,
   * from here or from another batch of the same partition and signal.
   * `stale`: the group was dealt out anew since; whoever has the partition now reads from the last commit, and its inbox recognises what
   * was done here.
   * `failed`: it was not stored; the records may come again, and the inbox recognises them. Never rejects.
   */
  commit(nextOffset: bigint): Promise<'committed' | 'stale' | 'failed'>
}

/**
 * What became of a batch. `done`: it was taken; go on behind it. Its records need not be handled yet: where the partition is read from
 * later, after the group was dealt out anew, is what was committed and nothing else. With `pauseUntil` the next batch is handed over only
 * once that promise has settled, or the group was dealt out anew: back-pressure, in which the member stays in the group and other
 * partitions go on.
 * `retryAfter`: continue at `nextOffset` after a pause in which other partitions go on.
 * `stop`: nothing more of this partition, until the group is dealt out anew; for a process that is going down.
 */
export type BatchResult =
  | { readonly kind: 'done'; readonly pauseUntil?: Promise<unknown> }
  | { readonly kind: 'retryAfter'; readonly retryAfterMs: number; readonly nextOffset: bigint }
  | { readonly kind: 'stop' }

/** Where a subscriber takes its batches. */
export type BatchHandler = {
  /**
   * Takes one batch. It may return before the records are handled: `commit` and `signal` of the batch stay good as long as the member’s
   * assignment lasts. It must not throw; a driver treats a throw as `retryAfter` one second.
   */
  onBatch(batch: ReceivedBatch): Promise<BatchResult>
  /**
   * Called when the group is dealt out anew or the subscriber stops, after the signals of all batches were aborted. Resolve once what is in
   * hand is finished and committed: the member waits with joining anew for {@link settlePatienceMs}, with leaving for the grace of `stop`.
   * What is committed after that is `stale`. It may be called again while an earlier call waits. Default: nothing is in hand but what
   * `onBatch` has not returned from.
   */
  settle?(): Promise<void>
}

/**
 * A member that is asked to join anew lets what is in hand finish for so long. All other members of the group stand still meanwhile.
 */
export const settlePatienceMs = 1_000

/** How a member of a group reads. */
export type SubscriberOptions = {
  readonly group: string
  readonly topics: readonly string[]
  /** Batches in `onBatch` at the same time, one of a partition. Default 4. */
  readonly partitionsConcurrentMax?: number
  /** After this long without a heartbeat the group replaces the member. Default 6,000 ms. */
  readonly sessionTimeoutMs?: number
  /**
   * A name of its own within the group, such as a pod’s: static membership, where the transport has the capability. A member that stops does
   * not leave the group then; when it comes back within its session timeout it has its partitions again, and nobody is dealt out anew. When
   * it does not, they wait for that long.
   * Two members of one name cannot be: the later one takes over, the earlier one says so in the log and goes on as a member without a name.
   */
  readonly instanceId?: string
  /** How long the broker may hold a fetch when there is nothing to read. Default 500 ms. */
  readonly maxWaitMs?: number
}

/**
 * A member of a consumer group. New groups begin at the earliest offset. The driver heartbeats while a batch is handled and hands over the
 * next batch of a partition only once the last one has returned.
 */
export type Subscriber = {
  /**
   * Joins the group and reads until {@link stop}. Resolves once the first assignment has come, or `stop` has. Topics that do not exist are
   * waited for: those that do are read meanwhile, and while there is none the member does not join. After that it stays a member by itself,
   * whatever happens to the brokers, and however long records are in hand.
   * @throws `KAFKA_UNREACHABLE` when no broker answers, `KAFKA_ACCESS_DENIED`: it may then be run again
   * @throws `CONFIG_INVALID` when it runs already
   */
  run(handler: BatchHandler): Promise<void>
  /** Aborts the batches’ signals, waits within `graceMs` (default 5,000) until all is settled, leaves the group. Never rejects. */
  stop(options?: { readonly graceMs?: number }): Promise<void>
  /** Partitions held just now, as `topic/partition`. */
  assignment(): readonly string[]
}
