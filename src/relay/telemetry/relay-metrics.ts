import {
  countBuckets,
  type InstrumentsOf,
  instrumentsOf,
  type MetricCatalogue,
  type Metrics,
  secondsBuckets,
  silentMetrics,
} from '../../kernel/metrics/metrics.ts'
import { onlyShard, type Shard } from '../ownership/shard.ts'

/** What the relay measures of each outbox; the label `database` names it, and `shard` its shard where it has several. */
export const relayMetricCatalogue = {
  published: {
    kind: 'counter',
    name: 'backstitch.relay.published',
    unit: '{record}',
    description: 'Records that Kafka has acknowledged.',
  },
  lag: {
    kind: 'histogram',
    name: 'backstitch.relay.lag',
    unit: 's',
    description:
      'From a row’s created_at, by the database’s clock, to its acknowledgement, by this machine’s clock.',
    buckets: secondsBuckets,
  },
  pending: {
    kind: 'gauge',
    name: 'backstitch.relay.pending',
    unit: '{row}',
    description:
      'Committed rows that are not published yet, parked ones left out; an estimate beyond 1,000. Known to the owner alone.',
  },
  oldestAge: {
    kind: 'gauge',
    name: 'backstitch.relay.oldest.age',
    unit: 's',
    description: 'Age of the oldest row that is not published yet; 0 when there is none.',
  },
  parked: {
    kind: 'counter',
    name: 'backstitch.relay.parked',
    unit: '{row}',
    description: 'Rows that went into the quarantine.',
  },
  drained: {
    kind: 'counter',
    name: 'backstitch.relay.drained',
    unit: '{row}',
    description: 'Rows that left the quarantine, published or skipped.',
  },
  parkedKeys: {
    kind: 'gauge',
    name: 'backstitch.relay.parked.keys',
    unit: '{key}',
    description: 'Keys that are held back because a record of theirs was refused.',
  },
  parkedTopics: {
    kind: 'gauge',
    name: 'backstitch.relay.parked.topics',
    unit: '{topic}',
    description: 'Topics that cannot be written to, whose rows wait.',
  },
  heldPartitions: {
    kind: 'gauge',
    name: 'backstitch.relay.held.partitions',
    unit: '{partition}',
    description: 'Partitions that cannot be written to while others can, whose rows wait.',
  },
  parkedRows: {
    kind: 'gauge',
    name: 'backstitch.relay.parked.rows',
    unit: '{row}',
    description: 'Rows in the quarantine; counted up to 10,000.',
  },
  leaseHeld: {
    kind: 'gauge',
    name: 'backstitch.relay.lease.held',
    unit: '{lease}',
    description:
      '1 while this process owns the outbox or the shard, else 0. Its sum over all processes should be 1.',
  },
  acquired: {
    kind: 'counter',
    name: 'backstitch.relay.lease.acquired',
    unit: '{lease}',
    description: 'Times that this process became the owner, each with a new epoch.',
  },
  lost: {
    kind: 'counter',
    name: 'backstitch.relay.lease.lost',
    unit: '{lease}',
    description: 'Times that another process took the outbox over.',
  },
  saveDuration: {
    kind: 'histogram',
    name: 'backstitch.relay.checkpoint.duration',
    unit: 's',
    description: 'How long saving a checkpoint took; the count is that of the saves.',
    buckets: secondsBuckets,
  },
  lookDuration: {
    kind: 'histogram',
    name: 'backstitch.relay.look.duration',
    unit: 's',
    description: 'How long one look at the outbox took, without publishing; the count is that of the looks.',
    buckets: secondsBuckets,
  },
  size: {
    kind: 'gauge',
    name: 'backstitch.relay.outbox.size',
    unit: 'By',
    description:
      'What the rows of the outbox take on disk, without indexes and large values. Known to standbys as well.',
  },
  defaultSize: {
    kind: 'gauge',
    name: 'backstitch.relay.outbox.default.size',
    unit: 'By',
    description: 'The same of its default partition: above 0 no relay has made a leaf in time.',
  },
  sessions: {
    kind: 'counter',
    name: 'backstitch.relay.sessions',
    unit: '{session}',
    description: 'Sessions opened on the database; each after the first is a reconnect.',
  },
} as const satisfies MetricCatalogue

/** Failures of a relay, by the database and the code of the error. */
export const relayFailures = {
  kind: 'counter',
  name: 'backstitch.relay.failures',
  unit: '{failure}',
  description: 'Failures after which the relay of a database began again, by `code`.',
} as const

/** What publishing to Kafka measures, over all databases of the process. */
export const publishMetricCatalogue = {
  batchSize: {
    kind: 'histogram',
    name: 'backstitch.publish.batch.size',
    unit: '{record}',
    description: 'Records handed to the driver in one go; the count is that of the batches.',
    buckets: countBuckets,
  },
  duration: {
    kind: 'histogram',
    name: 'backstitch.publish.duration',
    unit: 's',
    description: 'From handing a batch to the driver to its outcome, good or bad.',
    buckets: secondsBuckets,
  },
  failures: {
    kind: 'counter',
    name: 'backstitch.publish.failures',
    unit: '{failure}',
    description: 'Batches and connections that failed for a reason that says nothing about the records.',
  },
} as const satisfies MetricCatalogue

/** The instruments of one outbox. */
export type RelayInstruments = InstrumentsOf<typeof relayMetricCatalogue> & {
  /** See {@link Metrics.isRecording}. */
  readonly isRecording: boolean
}

/** The instruments of the publishers. */
export type PublishInstruments = InstrumentsOf<typeof publishMetricCatalogue>

/** Makes the instruments of one outbox. Where it has several shards, each has its own, with the label `shard`. */
export function relayInstruments(
  metrics: Metrics,
  database: string,
  { number, count }: Shard = onlyShard,
): RelayInstruments {
  const labels = count === 1 ? { database } : { database, shard: String(number) }
  return {
    ...instrumentsOf(metrics, relayMetricCatalogue, labels),
    isRecording: metrics.isRecording,
  }
}

/** Makes the instruments of the publishers. */
export function publishInstruments(metrics: Metrics, transport: string): PublishInstruments {
  return instrumentsOf(metrics, publishMetricCatalogue, { transport })
}

/** Measures nothing of an outbox. */
export const silentRelayInstruments: RelayInstruments = relayInstruments(silentMetrics, '')
/** Measures nothing of the publishers. */
export const silentPublishInstruments: PublishInstruments = publishInstruments(silentMetrics, '')
