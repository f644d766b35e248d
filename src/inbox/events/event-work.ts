import { BackstitchError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Codec } from '../../message/codec.ts'
import type { BodyLimits } from '../../message/limits.ts'
import type { TraceContextSource } from '../../message/trace-context.ts'
import type { OutboxWriter } from '../../outbox/outbox.ts'
import type { EventSubscription, HandlerContext, ReceivedTombstone } from './event-subscription.ts'
import type { GroupWork } from '../group-work.ts'
import { outgoingMessages } from './outgoing-messages.ts'
import { recordReader, type Route } from '../record-reader.ts'

/** What the handlers of a consumer need. */
export type EventWorkOptions = {
  readonly group: string
  readonly subscriptions: readonly EventSubscription[]
  readonly topicPrefix: string
  readonly codec: Codec
  readonly limits: BodyLimits
  /** Takes the messages that handlers send. */
  readonly outbox: OutboxWriter
  /** Default: the trace of the message. */
  readonly traceContext?: TraceContextSource
  readonly logger: Logger
}

/**
 * Makes the work of a consumer: each event goes to the handler of its type and version, what the handler sends goes to the outbox, all in
 * the transaction of the claim. Types and versions without a handler are passed over.
 *
 * @throws `CONFIG_INVALID` for two handlers of one contract
 */
export function eventWork(options: EventWorkOptions): GroupWork<EventSubscription> {
  const { group, outbox, logger } = options
  return {
    group,
    kind: 'consumer',
    read: recordReader(routesOf(options.subscriptions), { ...options, unrouted: 'skip' }),
    apply: async (tx, { message, target }, { attempt, signal }) => {
      const outgoing = outgoingMessages(
        message,
        group,
        `${message.type} v${message.version}`,
        options.traceContext,
      )
      const context: HandlerContext = {
        tx,
        enqueue: (messages) => outgoing.add(messages),
        attempt,
        signal,
        logger,
      }
      if (message.body !== null) await target.handler(message, context)
      else await target.tombstone?.(message as ReceivedTombstone, context)
      await outbox.enqueue(tx, outgoing.close())
    },
  }
}

function routesOf(subscriptions: readonly EventSubscription[]): readonly Route<EventSubscription>[] {
  const seen = new Set<string>()
  return subscriptions.map((target) => {
    const { aggregateType, name: type, version, payload: schema } = target.contract
    const place = `${aggregateType} ${type} v${version}`
    if (seen.has(place))
      throw new BackstitchError('CONFIG_INVALID', `handlers: two of them handle ${type} v${version}`)
    seen.add(place)
    return { aggregateType, type, version, schema, takesTombstones: target.tombstone !== undefined, target }
  })
}
