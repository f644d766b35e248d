import type { EventSubscription } from '../inbox/events/event-subscription.ts'
import { eventWork } from '../inbox/events/event-work.ts'
import { groupPart } from '../inbox/group-part.ts'
import type { ProcessPart } from '../kernel/lifecycle.ts'
import { assertHandlers, type GroupOptions, groupParts } from './group-options.ts'

/** What {@link createConsumer} takes. */
export type ConsumerOptions = GroupOptions & {
  /** The consumer group: its members share the partitions, and each message takes effect once in it. */
  readonly group: string
  /** Made by `on`. */
  readonly handlers: readonly EventSubscription[]
}

/**
 * Makes a member of a consumer group. Each event is applied in one transaction with its inbox row and with the messages that its handler
 * sends, and only then its offset is committed: however often it is delivered, it takes effect once.
 *
 * - A handler that throws is tried again, its partition waiting; after the last try the message becomes a dead letter, and the partition
 *   goes on. So does it at once after a record that cannot be read.
 * - While the database cannot be reached nothing is counted: the partition waits.
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
  const { group, handlers } = options
  assertHandlers(handlers)
  const { reading, outbox, logger, around } = groupParts(options, {
    group,
    kind: 'consumer',
    aggregateTypes: handlers.map(({ contract }) => contract.aggregateType),
    parts: ['inbox'],
    logFields: { group },
  })
  return groupPart({
    ...around,
    work: eventWork({ group, subscriptions: handlers, ...reading, outbox, logger }),
  })
}
