import type { z } from 'zod'
import type { EventContract } from '../../message/event.ts'
import type { RetryOrder } from '../group-work.ts'
import type { BatchContext, HandlerContext, ReceivedEvent, ReceivedTombstone } from './handler-context.ts'

/** What a handler does with a message. It may run again for the same message when it throws or its process dies. */
export type EventHandler<Message> = (message: Message, context: HandlerContext) => Promise<void> | void

/** What a handler does with several messages at once, in one transaction: those of one key are in their order. */
export type BatchHandler<Message> = (
  messages: readonly Message[],
  context: BatchContext,
) => Promise<void> | void

/** What may be said of a subscription beside its handler. */
export type SubscriptionOptions = {
  /**
   * The topic that the event is read from, by its whole name, for events of foreign producers. Default: the topic prefix and the aggregate
   * type of the contract. How its records are to be understood says the consumer’s option `formats`.
   */
  readonly topic?: string
  /**
   * What becomes of the later messages of a key while one of it is tried again, or has become a dead letter: they wait (`key`), or pass (`none`).
   * Default: the option `retry.order` of the consumer.
   */
  readonly order?: RetryOrder
}

/** A contract with its handlers: what {@link on} and `onBatch` make and a consumer takes. */
export type EventSubscription = SubscriptionOptions & {
  readonly contract: EventContract
  readonly takesTombstones: boolean
} & (
    | {
        readonly kind: 'one'
        readonly handler: EventHandler<ReceivedEvent>
        readonly tombstone?: EventHandler<ReceivedTombstone>
      }
    | {
        readonly kind: 'batch'
        readonly handler: BatchHandler<ReceivedEvent | ReceivedTombstone>
        readonly batchSizeMax: number
      }
  )

/**
 * Subscribes a consumer to an event. The handler’s effects in the database, the messages that it sends, and the note that the message was
 * handled are one transaction: applied once, however often the message is delivered.
 *
 * @param options.tombstone handles records without a value, which a compacted topic has for deleted keys; by default they are skipped
 * @example
 * on(OrderPlaced, async ({ body }, { tx, enqueue }) => {
 *   await tx.query('insert into invoice (order_id, total) values ($1, $2)', [body.orderId, body.total])
 *   enqueue(InvoiceWritten.create({ orderId: body.orderId }))
 * })
 */
export function on<Payload extends z.ZodType>(
  contract: EventContract<string, Payload>,
  handler: EventHandler<ReceivedEvent<z.output<Payload>>>,
  options: SubscriptionOptions & { readonly tombstone?: EventHandler<ReceivedTombstone> } = {},
): EventSubscription {
  const { tombstone, topic, order } = options
  return {
    kind: 'one',
    contract,
    // The reader has validated the body with this very contract.
    handler: handler as EventHandler<ReceivedEvent>,
    takesTombstones: tombstone !== undefined,
    ...(tombstone && { tombstone }),
    ...(topic !== undefined && { topic }),
    ...(order !== undefined && { order }),
  }
}
