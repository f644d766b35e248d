import { inMemoryAdmin } from './in-memory-admin.ts'
import { InMemoryGroup } from './in-memory-group.ts'
import { InMemoryLog } from './in-memory-log.ts'
import { type InMemoryFault, InMemoryPublisher } from './in-memory-publisher.ts'
import { InMemorySubscriber } from './in-memory-subscriber.ts'
import type { PublishFailure } from './publisher.ts'
import type { ReceivedRecord } from './subscriber.ts'
import type { KafkaTransport } from './transport.ts'

/** Settings of {@link inMemoryTransport}. */
export type InMemoryTransportOptions = {
  /** Topics that exist from the beginning: name to number of partitions. */
  readonly topics?: Readonly<Record<string, number>>
  /** Whether a topic comes into being, with one partition, when it is first published to or subscribed to. Default false. */
  readonly autoCreateTopics?: boolean
  /** The clock of the records’ timestamps, milliseconds since 1970. Default: the machine’s. */
  readonly nowMs?: () => number
}

/** A transport in memory, and what tests want to see and to break. */
export type InMemoryTransport = KafkaTransport & {
  /** All records of a topic, in the order in which they came; none where it does not exist. */
  records(topic: string): readonly ReceivedRecord[]
  /** Deletes a topic with its records and what groups committed in it. */
  deleteTopic(topic: string): void
  /** The next batch of any publisher fails so; with `isWritten` its records are written all the same (the acknowledgement got lost). */
  failNextPublish(failure: PublishFailure, options?: { readonly isWritten?: boolean }): void
}

/**
 * A Kafka for unit tests, in this process: topics with partitions, groups with offsets, rebalances that abort signals and make commits
 * stale. It passes the conformance suite of the real drivers. Nothing is polled; a test that awaits what it waits for needs no sleeps.
 *
 * @example
 * const transport = inMemoryTransport({ topics: { 'outbox.event.order': 3 } })
 * // ... run the code under test ...
 * expect(transport.records('outbox.event.order')).toHaveLength(1)
 */
export function inMemoryTransport(options: InMemoryTransportOptions = {}): InMemoryTransport {
  const log = new InMemoryLog()
  const groups = new Map<string, InMemoryGroup>()
  const faults: InMemoryFault[] = []
  const autoCreateTopics = options.autoCreateTopics ?? false
  let members = 0
  const groupOf = (name: string): InMemoryGroup => {
    let group = groups.get(name)
    if (group === undefined) groups.set(name, (group = new InMemoryGroup(log)))
    return group
  }
  for (const [topic, partitions] of Object.entries(options.topics ?? {})) log.create({ topic, partitions })
  return {
    name: 'in-memory',
    capabilities: {
      idempotent: true,
      perRecordOutcome: false,
      batchSizeMax: 1_000,
      publishesUnderWayMax: 1,
      fencing: false,
      staticMembership: false,
    },
    publisher: () =>
      new InMemoryPublisher({
        log,
        autoCreateTopics,
        nowMs: options.nowMs ?? Date.now,
        takeFault: () => faults.shift(),
      }),
    subscriber: (settings) => {
      if (autoCreateTopics) for (const topic of settings.topics) log.create({ topic, partitions: 1 })
      members += 1
      return new InMemorySubscriber(log, groupOf(settings.group), `member-${members}`, settings)
    },
    admin: () => inMemoryAdmin(log, groups, groupOf),
    records: (topic) => log.arrivals(topic),
    deleteTopic: (topic) => log.delete(topic),
    failNextPublish: (failure, settings) => void faults.push({ failure, ...settings }),
  }
}
