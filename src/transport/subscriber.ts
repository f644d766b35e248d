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
   * Aborts when the group is dealt out anew or the subscriber stops: finish the record in hand, begin no other. A commit right after may
   * still succeed.
   */
  readonly signal: AbortSignal
  /**
   * Commits that everything before `nextOffset` is done. Call it only after the database commit.
   * `stale`: the group was dealt out anew since; whoever has the partition now reads from the last commit, and its inbox recognises what
   * was done here.
   * `failed`: it was not stored; the records may come again, and the inbox recognises them. Never rejects.
   */
  commit(nextOffset: bigint): Promise<'committed' | 'stale' | 'failed'>
}

/**
 * What became of a batch. `retryAfter`: continue at `nextOffset` after a pause in which other partitions go on.
 * `stop`: nothing more of this partition, until the group is dealt out anew; for a process that is going down.
 */
export type BatchResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'retryAfter'; readonly retryAfterMs: number; readonly nextOffset: bigint }
  | { readonly kind: 'stop' }

/** How a member of a group reads. */
export type SubscriberOptions = {
  readonly group: string
  readonly topics: readonly string[]
  /** Partitions handed over at the same time. Default 4. */
  readonly partitionsConcurrentMax?: number
  /** After this long without a heartbeat the group replaces the member. Default 6,000 ms. */
  readonly sessionTimeoutMs?: number
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
   * whatever happens to the brokers. `onBatch` must not throw; a driver treats a throw as `retryAfter` one second.
   * @throws `KAFKA_UNREACHABLE` when no broker answers, `KAFKA_ACCESS_DENIED`: it may then be run again
   * @throws `CONFIG_INVALID` when it runs already
   */
  run(onBatch: (batch: ReceivedBatch) => Promise<BatchResult>): Promise<void>
  /** Aborts the batches’ signals, waits for them within `graceMs`, leaves the group. Never rejects. */
  stop(options?: { readonly graceMs?: number }): Promise<void>
  /** Partitions held just now, as `topic/partition`. */
  assignment(): readonly string[]
}
