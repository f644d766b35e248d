import type { z } from 'zod'
import type { Logger } from '../../kernel/logger.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { EventContract } from '../../message/event.ts'
import type { Message, ReceivedMessage } from '../../message/message.ts'

/** An event as its handler gets it: validated, with its headers, its context and the place where it was read. */
export type ReceivedEvent<Body = unknown> = Omit<ReceivedMessage<Body>, 'body'> & { readonly body: Body }

/** A record without a value, which says that its key is deleted. */
export type ReceivedTombstone = Omit<ReceivedMessage, 'body'> & { readonly body: null }

/** What a handler has beside its message. */
export type HandlerContext = {
  /**
   * The transaction in which the message is applied: a `pg` client with `query(text, values)`. What the handler writes through it is
   * committed together with the inbox row, once. What it does elsewhere is done again when the message is tried again.
   */
  readonly tx: SqlExecutor
  /**
   * Sends messages with this transaction: their rows are inserted with one statement just before the commit. They get ids derived from the
   * incoming one, so that handling it again names them the same, and name it as their cause.
   */
  readonly enqueue: (messages: Message | readonly Message[]) => void
  /** Counts the tries of this message from 1, in this process. */
  readonly attempt: number
  /** Aborts when the handler’s time is over or the process must go down: what is written then is rolled back. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** What a handler does with a message. It may run again for the same message when it throws or its process dies. */
export type EventHandler<Message> = (message: Message, context: HandlerContext) => Promise<void> | void

/** A contract with its handlers: what {@link on} makes and a consumer takes. */
export type EventSubscription = {
  readonly contract: EventContract
  readonly handler: EventHandler<ReceivedEvent>
  readonly tombstone?: EventHandler<ReceivedTombstone>
}

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
  options: { readonly tombstone?: EventHandler<ReceivedTombstone> } = {},
): EventSubscription {
  return {
    contract,
    // The reader has validated the body with this very contract.
    handler: handler as EventHandler<ReceivedEvent>,
    ...(options.tombstone && { tombstone: options.tombstone }),
  }
}
