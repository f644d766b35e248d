import type { Logger } from '../../kernel/logger.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { Codec } from '../../message/codec.ts'
import type { BodyLimits } from '../../message/limits.ts'
import type { TraceContextSource } from '../../message/trace-context.ts'
import type { OutboxWriter } from '../../outbox/outbox.ts'
import type { MessageFormats } from '../formats/message-format.ts'
import type { GroupWork, Try } from '../group-work.ts'
import { type Delivery, recordReader } from '../record-reader.ts'
import { assertFormats, eventRoutes } from './event-routes.ts'
import type { EventSubscription } from './event-subscription.ts'
import type { Cause, HandlerScope, ReceivedEvent, ReceivedTombstone } from './handler-context.ts'
import { type Middleware, withinMiddleware } from './middleware.ts'
import { type OutgoingMessages, outgoingMessages } from './outgoing-messages.ts'
import type { Upcaster } from './upcaster.ts'

/** What the handlers of a consumer need. */
export type EventWorkOptions = {
  readonly group: string
  readonly subscriptions: readonly EventSubscription[]
  readonly upcasters?: readonly Upcaster[]
  readonly middleware?: readonly Middleware[]
  readonly formats?: MessageFormats
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
 * @throws `CONFIG_INVALID` for two handlers of one contract, or an upcaster that leads to none
 */
export function eventWork(options: EventWorkOptions): GroupWork<EventSubscription> {
  const { group, outbox, logger, topicPrefix, middleware = [] } = options
  const routes = eventRoutes(options.subscriptions, options.upcasters ?? [], topicPrefix)
  if (options.formats) assertFormats(options.formats, routes)

  /** Deliveries of one target. */
  const applyAll = async (
    tx: SqlExecutor,
    deliveries: readonly Delivery<EventSubscription>[],
    { attempt, signal }: Try,
  ): Promise<void> => {
    const target = deliveries[0]?.target
    if (target === undefined) return
    const handler = `${target.contract.name} v${target.contract.version}`
    const messages: readonly (ReceivedEvent | ReceivedTombstone)[] = deliveries.map(({ message }) => message)
    const outgoing = outgoingMessages(messages, group, handler, options.traceContext)
    const scope = { tx, attempt, signal, logger }
    if (middleware.length === 0) await call(target, messages, scope, outgoing)
    else
      await withinMiddleware(middleware, { ...scope, group, handler, messages }, (inner) =>
        call(target, messages, { ...scope, logger: inner }, outgoing),
      )
    await outbox.enqueue(tx, outgoing.close())
  }

  return {
    group,
    kind: 'consumer',
    read: recordReader(routes, { ...options, unrouted: 'skip' }),
    retryOrder: ({ order }) => order,
    batchSizeMax: (target) => (target.kind === 'batch' ? target.batchSizeMax : 1),
    apply: applyAll,
  }
}

async function call(
  target: EventSubscription,
  messages: readonly (ReceivedEvent | ReceivedTombstone)[],
  scope: HandlerScope,
  outgoing: OutgoingMessages,
): Promise<void> {
  if (target.kind === 'batch')
    return target.handler(messages, {
      ...scope,
      enqueue: (sent, sentFor?: { readonly causedBy?: Cause }) => outgoing.add(sent, sentFor?.causedBy),
    })
  const context = { ...scope, enqueue: (sent: Parameters<OutgoingMessages['add']>[0]) => outgoing.add(sent) }
  for (const message of messages) {
    if (isTombstone(message)) await target.tombstone?.(message, context)
    else await target.handler(message, context)
  }
}

function isTombstone(message: ReceivedEvent | ReceivedTombstone): message is ReceivedTombstone {
  return message.body === null
}
