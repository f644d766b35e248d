import { hostname } from 'node:os'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { type Logger, silentLogger } from '../kernel/logger.ts'
import { type Metrics, silentMetrics } from '../kernel/metrics/metrics.ts'
import { type TestSignals, noTestSignals } from '../kernel/test-signals.ts'
import { defaultTopicPrefix } from '../message/topic.ts'
import type { KafkaTransport } from '../transport/transport.ts'
import { type PollPaceOptions, defaultPace } from './poll-pace.ts'
import type { RelayDatabase } from './relay-database.ts'

/** What becomes of published rows. */
type RetentionOptions = {
  /**
   * How long they are kept at least, so that they can be replayed, counted from `created_at` by the database’s clock. Rows leave a leaf at a
   * time. Default 0: a leaf is emptied as soon as all in it is published.
   */
  readonly keepPublishedMs?: number
}

/** How a relay works. All but the first two have defaults. */
export type OutboxRelayOptions = {
  /** The outboxes that it publishes, each by itself: trouble with one does not touch the others. */
  readonly databases: readonly RelayDatabase[]
  readonly transport: KafkaTransport
  /** Default: says nothing. */
  readonly logger?: Logger
  /** Who holds a lease, as operators see it; a random part is added. Default: host and process. */
  readonly owner?: string
  /** After so long without a renewal another relay takes over. Renewed each third of it. Default 3,000 ms, at least 300. */
  readonly leaseDurationMs?: number
  /** Default `outbox.event.`, the same as Debezium’s. */
  readonly topicPrefix?: string
  /**
   * Whether each record carries its row’s place in the outbox as the header `outbox-seq`, a whole number that rises within a key. Bytes of a
   * request that was given up may reach the broker after newer ones, so that a compacted topic or a table that is upserted goes back; with
   * the number a consumer can drop what is older than what it has. Default false.
   */
  readonly sequenceHeader?: boolean
  /** Publishers working side by side, over different partitions. Default 2. */
  readonly publishers?: number
  /** Rows read and published at once when there is a backlog; two such pages are under way. Default 1,000. */
  readonly pageRows?: number
  /** Bytes after which a page ends, whatever its rows. Default 8 MB. */
  readonly pageBytes?: number
  /**
   * Rows that the quarantine of a shard holds at most. When it is full the shard waits and says so, until rows have left. Default 1,000,000,
   * at least 1,000.
   */
  readonly quarantineRowsMax?: number
  /** How often an outbox is looked at. Default: after 1 ms while rows come, slowing down to 20 ms, and to 60 ms at rest. */
  readonly pace?: Partial<PollPaceOptions>
  /** What becomes of published rows. */
  readonly retention?: RetentionOptions
  /** Whether to listen for writers that announce their commits (see `createNotifier`), on one more connection a database. Default true. */
  readonly listen?: boolean
  /** `stop()` gives up what is in hand after so long. Default 10,000 ms. */
  readonly stopDeadlineMs?: number
  /** An owner that gives no sign of life for so long is stuck, and says so. Default three terms of the lease, at least 10,000 ms. */
  readonly stalledAfterMs?: number
  /** Default: nothing is measured. */
  readonly metrics?: Metrics
  readonly clock?: Clock
  readonly testSignals?: TestSignals
}

/** {@link OutboxRelayOptions} with the defaults in their places. */
export type ResolvedRelayOptions = Required<Omit<OutboxRelayOptions, 'pace' | 'retention'>> & {
  readonly pace: PollPaceOptions
  readonly retention: Required<RetentionOptions>
}

/** @throws `CONFIG_INVALID` */
export function resolveRelayOptions(options: OutboxRelayOptions): ResolvedRelayOptions {
  const resolved: ResolvedRelayOptions = {
    databases: options.databases,
    transport: options.transport,
    logger: options.logger ?? silentLogger,
    owner: `${options.owner ?? `${hostname()}/${process.pid}`}/${newId()}`,
    leaseDurationMs: options.leaseDurationMs ?? 3_000,
    topicPrefix: options.topicPrefix ?? defaultTopicPrefix,
    sequenceHeader: options.sequenceHeader ?? false,
    publishers: options.publishers ?? 2,
    pageRows: options.pageRows ?? 1_000,
    pageBytes: options.pageBytes ?? 8_000_000,
    quarantineRowsMax: options.quarantineRowsMax ?? 1_000_000,
    pace: { ...defaultPace, ...options.pace },
    retention: { keepPublishedMs: options.retention?.keepPublishedMs ?? 0 },
    listen: options.listen ?? true,
    stopDeadlineMs: options.stopDeadlineMs ?? 10_000,
    stalledAfterMs: options.stalledAfterMs ?? Math.max(10_000, 3 * (options.leaseDurationMs ?? 3_000)),
    metrics: options.metrics ?? silentMetrics,
    clock: options.clock ?? systemClock,
    testSignals: options.testSignals ?? noTestSignals,
  }
  const { databases, leaseDurationMs, publishers, pageRows, quarantineRowsMax, retention } = resolved
  if (databases.length === 0) throw invalid('databases: there is none')
  if (new Set(databases.map(({ name }) => name)).size < databases.length)
    throw invalid('databases: two have the same name; give each one of its own')
  if (!(Number.isInteger(leaseDurationMs) && leaseDurationMs >= 300))
    throw invalid('leaseDurationMs: at least 300')
  if (!(Number.isInteger(publishers) && publishers >= 1)) throw invalid('publishers: at least 1')
  if (!(Number.isInteger(pageRows) && pageRows >= 1 && pageRows <= 10_000))
    throw invalid('pageRows: 1 to 10,000')
  if (!(Number.isInteger(retention.keepPublishedMs) && retention.keepPublishedMs >= 0))
    throw invalid('retention.keepPublishedMs: a whole number from 0')
  if (!(Number.isInteger(quarantineRowsMax) && quarantineRowsMax >= 1_000))
    throw invalid('quarantineRowsMax: at least 1,000')
  return resolved
}

function invalid(what: string): BackstitchError {
  return new BackstitchError('CONFIG_INVALID', `relay: ${what}`)
}
