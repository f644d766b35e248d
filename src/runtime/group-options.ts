import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { defaultBackoff } from '../kernel/backoff.ts'
import { attemptWatch } from '../inbox/attempts/attempt-watch.ts'
import { soloTurns } from '../inbox/attempts/solo-turns.ts'
import { groupInstruments } from '../inbox/group-metrics.ts'
import { systemClock } from '../kernel/clock.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { type Logger, silentLogger } from '../kernel/logger.ts'
import { type Metrics, silentMetrics } from '../kernel/metrics/metrics.ts'
import { noTestSignals, type TestSignals } from '../kernel/test-signals.ts'
import type { GroupPartOptions } from '../inbox/group-part.ts'
import type { HandlerRetry } from '../inbox/handler-retry.ts'
import { type Codec, jsonCodec } from '../message/codec.ts'
import { type BodyLimits, defaultBodyLimits } from '../message/limits.ts'
import type { TraceContextSource } from '../message/trace-context.ts'
import { defaultTopicPrefix } from '../message/topic.ts'
import { outboxOver, type OutboxWriter } from '../outbox/outbox.ts'
import type { Part } from '../../migrations/migration.ts'
import { addInboxLeaves } from '../postgres/add-inbox-leaves.ts'
import { assertSchema } from '../postgres/assert-schema.ts'
import { explainConnectionError } from '../postgres/explain-connection-error.ts'
import { pgAttemptLog } from '../postgres/inbox/pg-attempt-log.ts'
import { pgDatabase } from '../postgres/pg-database.ts'
import { pgLetterStore } from '../postgres/inbox/pg-letter-store.ts'
import { pgInboxStore } from '../postgres/pg-inbox-store.ts'
import { pgOutboxStore } from '../postgres/pg-outbox-store.ts'
import { poolPlace } from '../postgres/pool-place.ts'
import { defaultSchema } from '../postgres/schema-name.ts'
import type { KafkaTransport } from '../transport/transport.ts'
import { keptInbox } from './groups/kept-inbox.ts'

/** Of this process: whatever its members are, one suspect runs at a time. */
const turns = soloTurns()

/** What consumers and participants have in common. */
export type GroupOptions = {
  /** The service’s own database. The pool stays the caller’s, who ends it after `stop`. */
  readonly database: pg.Pool
  readonly transport: KafkaTransport
  /** Where the tables are. Default `backstitch`. */
  readonly schema?: string
  /** What stands before the aggregate type in the name of a topic. Default `outbox.event.` */
  readonly topicPrefix?: string
  readonly codec?: Codec
  /** Refused before they are parsed: longer or deeper bodies. Default 900,000 bytes and 64 levels. */
  readonly limits?: BodyLimits
  /**
   * How often a message whose handler throws is tried before it becomes a dead letter, and whether the later messages of its key wait.
   * Default 5 tries within 15 minutes, with pauses that double from 100 ms up to 5 s; they wait, those of other keys do not.
   */
  readonly retry?: HandlerRetry
  /** How long one transaction may take, from the claim of its messages to the commit. Default 60,000 ms. */
  readonly handlerTimeoutMs?: number
  /**
   * A handler that blocks the event loop for longer ends the process, which says where it stood: nothing else stops a computation without
   * end, and its message is found out by the next process. Of the parts of a process the most patient one counts; 0 watches nothing.
   * Default 30,000 ms.
   */
  readonly blockedMsMax?: number
  /**
   * A message becomes a dead letter (`MESSAGE_KILLS`) once so many processes have died with it in hand, all but the first with nothing else
   * in hand. More of them where processes are often killed from outside in the middle of handlers that take long. Default 3.
   */
  readonly killsMax?: number
  /**
   * Transactions at the same time, over all partitions, each on a connection of the pool: messages of different keys do not wait for each
   * other. Default 8, and never more than the pool has connections.
   */
  readonly concurrencyMax?: number
  /** After this long without a sign of life the group replaces a member. Default 6,000 ms. */
  readonly sessionTimeoutMs?: number
  /**
   * How long the inbox remembers what the group had. Old rows go when they are older than all groups of the database want, and lie behind
   * the committed offsets of all of them. Longer than the retention of the topics and of kept outbox rows: what comes again after it counts
   * as new. Default 30 days.
   */
  readonly inboxRetentionMs?: number
  /** How often a member notes how far the group is, for the retention of the inbox. Default 600,000 ms. */
  readonly inboxUpkeepIntervalMs?: number
  /**
   * A name of this process within the group, such as its pod’s, so that it has its partitions again when it comes back within
   * `sessionTimeoutMs`, and nobody is dealt out anew. For transports with the capability `staticMembership`.
   */
  readonly instanceId?: string
  /** How long `stop` lets the messages in hand finish. Default 10,000 ms. */
  readonly stopDeadlineMs?: number
  /** Asks your tracer where a handler stands when it sends a message. Default: the trace of the message that it handles. */
  readonly traceContext?: TraceContextSource
  /** Default: nothing is measured. */
  readonly metrics?: Metrics
  /** Default: nothing is logged. */
  readonly logger?: Logger
  readonly testSignals?: TestSignals
}

/** What is made of {@link GroupOptions}: all that a group’s work and its process part need. */
export type GroupParts = {
  readonly schema: string
  readonly reading: {
    readonly topicPrefix: string
    readonly codec: Codec
    readonly limits: BodyLimits
    readonly traceContext?: TraceContextSource
  }
  readonly outbox: OutboxWriter
  readonly logger: Logger
  readonly blockedMsMax: number
  /** The options of `groupPart`, without the work. */
  readonly around: Omit<GroupPartOptions<never>, 'work'>
}

/**
 * Applies the defaults and brings the adapters of Postgres.
 *
 * @param member the group, its topics, and the tables that are needed
 * @throws `CONFIG_INVALID`
 */
export function groupParts(
  options: GroupOptions,
  member: {
    readonly group: string
    readonly kind: 'consumer' | 'participant' | 'orchestrator'
    readonly topics: (topicPrefix: string) => readonly string[]
    readonly parts: readonly Part[]
    readonly logFields: object
    /** Partitions whose batches are taken at the same time. Default 4. */
    readonly partitionsConcurrentMax?: number
  },
): GroupParts {
  const { database, transport, schema = defaultSchema, topicPrefix = defaultTopicPrefix } = options
  const { codec = jsonCodec, limits = defaultBodyLimits } = options
  const { group, parts } = member
  const retry = options.retry ?? { attemptsMax: 5, backoff: defaultBackoff }
  const { sessionTimeoutMs = 6_000, concurrencyMax = 8, blockedMsMax = 30_000, killsMax = 3 } = options
  const { partitionsConcurrentMax = 4 } = member
  assertName('group', group)
  assertCount('retry.attemptsMax', retry.attemptsMax)
  assertCount('partitionsConcurrentMax', partitionsConcurrentMax)
  assertCount('concurrencyMax', concurrencyMax)
  if (retry.ageMaxMs !== undefined) assertCount('retry.ageMaxMs', retry.ageMaxMs)
  assertCount('sessionTimeoutMs', sessionTimeoutMs)
  const { instanceId } = options
  if (instanceId !== undefined) {
    assertName('instanceId', instanceId)
    if (!transport.capabilities.staticMembership)
      throw new BackstitchError(
        'CONFIG_INVALID',
        `instanceId: the transport ${transport.name} knows no such members`,
      )
  }
  const logger = (options.logger ?? silentLogger).child(member.logFields)
  const topics = member.topics(topicPrefix)
  const { generation, enrolled } = keptInbox({
    database,
    transport,
    schema,
    enrolment: {
      group,
      kind: member.kind,
      topics,
      retentionMs: assertRetention(options.inboxRetentionMs ?? inboxRetentionMsDefault),
    },
    upkeepIntervalMs: assertCount('inboxUpkeepIntervalMs', options.inboxUpkeepIntervalMs ?? 600_000),
    logger,
  })
  return {
    schema,
    reading: {
      topicPrefix,
      codec,
      limits,
      ...(options.traceContext && { traceContext: options.traceContext }),
    },
    outbox: outboxOver(pgOutboxStore(schema), { service: group, codec, limits }),
    logger,
    blockedMsMax: blockedMsMax === 0 ? 0 : assertCount('blockedMsMax', blockedMsMax),
    around: {
      database: pgDatabase(database),
      attempts: attemptWatch({
        log: pgAttemptLog(pgDatabase(database), schema),
        group,
        owner: randomUUID(),
        killsMax: assertCount('killsMax', killsMax),
        turns,
        logger,
      }),
      inbox: pgInboxStore(schema, (name) => generation.name(name)),
      letters: pgLetterStore(schema),
      checkDatabase: async () => {
        await assertSchema({ pool: database, parts, schema }).catch(
          explainConnectionError(poolPlace(database)),
        )
        await addInboxLeaves(pgDatabase(database), schema, logger)
      },
      subscriber: () =>
        enrolled(
          transport.subscriber({
            group,
            topics,
            partitionsConcurrentMax,
            sessionTimeoutMs,
            ...(instanceId !== undefined && { instanceId }),
          }),
        ),
      retry,
      concurrencyMax: Math.min(concurrencyMax, database.options.max),
      handlerTimeoutMs: assertCount('handlerTimeoutMs', options.handlerTimeoutMs ?? 60_000),
      stopDeadlineMs: assertCount('stopDeadlineMs', options.stopDeadlineMs ?? 10_000),
      logger,
      signals: options.testSignals ?? noTestSignals,
      clock: systemClock,
      metrics: options.metrics ?? silentMetrics,
      instruments: groupInstruments(options.metrics ?? silentMetrics, { group, kind: member.kind }),
    },
  }
}

const inboxRetentionMsDefault = 30 * 86_400_000

function assertRetention(ms: number): number {
  if (!Number.isInteger(ms) || ms < 3_600_000)
    throw new BackstitchError('CONFIG_INVALID', `inboxRetentionMs: ${ms} is less than an hour`)
  return ms
}

/** Refuses a list of handlers without one: such a group would have no topic. @throws `CONFIG_INVALID` */
export function assertHandlers(handlers: readonly unknown[]): void {
  if (!Array.isArray(handlers) || handlers.length === 0)
    throw new BackstitchError('CONFIG_INVALID', 'handlers: there is none')
}

function assertName(option: string, name: unknown): void {
  if (typeof name !== 'string' || !/^[a-zA-Z0-9._-]{1,200}$/.test(name))
    throw new BackstitchError(
      'CONFIG_INVALID',
      `${option}: it has 1 to 200 letters, digits, dots, dashes or underscores`,
    )
}

/** The number again, where it is a whole one from 1. @throws `CONFIG_INVALID` */
export function assertCount(option: string, count: number): number {
  if (!Number.isInteger(count) || count < 1 || count > 2 ** 31 - 1)
    throw new BackstitchError('CONFIG_INVALID', `${option}: ${count} is no whole number from 1`)
  return count
}
