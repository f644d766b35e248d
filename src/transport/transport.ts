import type { Publisher, PublisherIdentity } from './publisher.ts'
import type { Subscriber, SubscriberOptions } from './subscriber.ts'
import type { TransportAdmin } from './admin.ts'

/**
 * The port to Kafka. One driver is one folder under `src/kafka/`; the core asks for capabilities and never for the driver’s name.
 * All drivers pass one conformance suite.
 */
export type KafkaTransport = {
  /** For log lines only. */
  readonly name: string
  readonly capabilities: TransportCapabilities
  /**
   * A new publisher with connections of its own; it must be opened.
   * @param options.succeeds the identity of a publisher that writes no more. A transport that is not `fencing` ignores it.
   */
  publisher(options?: { readonly succeeds?: PublisherIdentity | undefined }): Publisher
  /** A new member of a consumer group. */
  subscriber(options: SubscriberOptions): Subscriber
  admin(): TransportAdmin
}

/** What a driver can do beyond the port. */
export type TransportCapabilities = {
  /** Retries inside one publisher are recognised by the broker. */
  readonly idempotent: boolean
  /** The outcome of a batch is known record by record; else a failed batch says nothing about its records. */
  readonly perRecordOutcome: boolean
  /** Records that one `publish` may carry at most before the driver slows down or breaks. */
  readonly batchSizeMax: number
  /** How many `publish` one publisher may have under way at a time. */
  readonly publishesUnderWayMax: number
  /**
   * A publisher opened with `succeeds` is the same to the brokers, one epoch later: from its first record in a partition on, they refuse there
   * what of its predecessor arrives late, held up by a network. (attack C19: else a compacted topic could go back to an older state)
   */
  readonly fencing: boolean
  /** A member of a group may have a name under which it comes back: see `instanceId`. Else that option is ignored. */
  readonly staticMembership: boolean
}
