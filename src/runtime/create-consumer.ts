import { eventTopics } from '../inbox/events/event-routes.ts'
import type { EventSubscription } from '../inbox/events/event-subscription.ts'
import { eventWork } from '../inbox/events/event-work.ts'
import type { Middleware } from '../inbox/events/middleware.ts'
import type { Upcaster } from '../inbox/events/upcaster.ts'
import type { MessageFormats } from '../inbox/formats/message-format.ts'
import { groupPart } from '../inbox/group-part.ts'
import type { ProcessPart } from '../kernel/lifecycle.ts'
import { assertHandlers, type GroupOptions, groupParts } from './group-options.ts'
import { watchedPart } from './watchdog/watched-part.ts'

/** What {@link createConsumer} takes. */
export type ConsumerOptions = GroupOptions & {
  /** The consumer group: its members share the partitions, and each message takes effect once in it. */
  readonly group: string
  /** Made by `on` and `onBatch`. */
  readonly handlers: readonly EventSubscription[]
  /** Made by `upcast`: so that the handler of a newer version has the older ones as well. */
  readonly upcasters?: readonly Upcaster[]
  /** Around every call of a handler, the first one outermost. */
  readonly middleware?: readonly Middleware[]
  /**
   * How the records of a topic are to be understood, by its whole name, where it is not backstitch’s own way and they do not say themselves
   * that they are CloudEvents: `debezium(...)`, `raw(...)`, or a format of yours.
   */
  readonly formats?: MessageFormats
}

/**
 * Makes a member of a consumer group. Each event is applied in one transaction with its inbox row and with the messages that its handler
 * sends, and only then its offset is committed: however often it is delivered, it takes effect once.
 *
 * - Messages of one key are handled in order, one after the other; those of different keys side by side, up to `concurrencyMax`
 *   transactions at a time.
 * - A handler that throws is tried again, its key waiting; after the last try the message becomes a dead letter, and the later ones of its
 *   key join it. A record that cannot be read becomes one at once.
 * - While the database cannot be reached nothing is counted: all wait.
 * - Types and versions without a handler are passed over. A new group begins at the earliest offset.
 *
 * The database needs the tables `inbox`, and `outbox` if handlers send messages.
 *
 * @throws `CONFIG_INVALID`; `start` rejects with `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER` or `DATABASE_REFUSED`
 * @example
 * const billing = createConsumer({
 *   database, transport, group: 'billing',
 *   handlers: [on(OrderPlaced, async ({ body }, { tx }) => { await tx.query('…', [body.orderId]) })],
 * })
 * await billing.start()
 */
export function createConsumer(options: ConsumerOptions): ProcessPart {
  const { group, handlers, upcasters, middleware, formats } = options
  assertHandlers(handlers)
  const { reading, outbox, logger, blockedMsMax, around } = groupParts(options, {
    group,
    kind: 'consumer',
    topics: (topicPrefix) => eventTopics(handlers, upcasters, topicPrefix),
    parts: ['inbox'],
    logFields: { group },
  })
  const part = groupPart({
    ...around,
    work: eventWork({
      group,
      subscriptions: handlers,
      ...(upcasters && { upcasters }),
      ...(middleware && { middleware }),
      ...(formats && { formats }),
      ...reading,
      outbox,
      logger,
    }),
  })
  return watchedPart(part, blockedMsMax, logger)
}
