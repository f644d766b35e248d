/** One record as it leaves. Strings are written as UTF-8. */
export type OutgoingRecord = {
  readonly topic: string
  /** Computed by the core with Java’s rule (see `partitionOf`), so that all drivers agree. */
  readonly partition: number
  readonly key: string | Buffer | null
  /** `null` is a tombstone. */
  readonly value: string | Buffer | null
  /** In order; a name may come twice. */
  readonly headers: readonly (readonly [name: string, value: string | Buffer])[]
  /**
   * The same key, value and headers as bytes, where whoever made the record can write them faster than a driver that has to ask for each.
   * Drivers may take it or leave it.
   */
  readonly content?: RecordContent
}

/** Key, value and headers one after the other, as they stand in a record of Kafka’s message format 2. */
export type RecordContent = {
  /** Bytes that it takes, at most. */
  readonly bytesMax: number
  /** Writes it. @returns where it ends */
  write(target: Buffer, at: number): number
}

/**
 * Why records were not acknowledged.
 * - `record`: the broker refuses this record for what it is (too large, invalid). Trusted only of a batch of one record.
 * - `topic`: unknown topic or partition, or no permission.
 * - `retriable`: nothing was written, a later try can succeed.
 * - `unknown`: it may have been written.
 */
export type PublishFailure = {
  readonly kind: 'record' | 'topic' | 'retriable' | 'unknown'
  readonly reason: string
  readonly cause?: unknown
}

/**
 * `acknowledged`: all records. `failed`: one failure for the whole batch. `partial`: failures by index; the records not in it are
 * acknowledged. Any driver answers `partial` where some topics do not exist, since their records are left out beforehand.
 */
export type PublishResult =
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'failed'; readonly failure: PublishFailure }
  | { readonly kind: 'partial'; readonly failures: ReadonlyMap<number, PublishFailure> }

/** Who a publisher is to the brokers: what they check the numbers of its records by. */
export type PublisherIdentity = { readonly producerId: bigint; readonly epoch: number }

/**
 * Publishes batches with `acks=all`. At most {@link TransportCapabilities.publishesUnderWayMax} may be under way at a time. Several are sent
 * in the order of their calls, and where one fails, no record that was published after it to the same partition is written.
 *
 * After a failure a publisher may be `poisoned`: it then refuses all further work and its owner opens a new one. (kafkajs’s idempotent
 * producer can acknowledge what it lost once a send was rejected; throwing it away is the only safe answer.)
 */
export type Publisher = {
  readonly state: 'new' | 'ready' | 'poisoned' | 'closed'
  /** Once opened, where the transport is `fencing`: for `succeeds` of the next publisher. */
  readonly identity?: PublisherIdentity | undefined
  /** @throws `KAFKA_UNREACHABLE` when no broker answers within the driver’s deadline, `KAFKA_ACCESS_DENIED`; the publisher is then poisoned */
  open(): Promise<void>
  /**
   * Partitions of a topic, `undefined` where the topic does not exist or may not be described. Answers come from a cache of a few seconds.
   * @throws `KAFKA_UNREACHABLE`, `KAFKA_ACCESS_DENIED`
   */
  partitionCount(topic: string): Promise<number | undefined>
  /**
   * Never rejects. Past `deadlineMs` the outcome is `unknown` and the publisher poisoned. Where it refuses because it is not `ready`, the
   * failure is `unknown` too.
   */
  publish(
    records: readonly OutgoingRecord[],
    options: { readonly deadlineMs: number },
  ): Promise<PublishResult>
  /** Lets go of the connection, within `graceMs`. Never rejects. */
  close(options?: { readonly graceMs?: number }): Promise<void>
}
