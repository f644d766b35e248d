import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import { type Codec, jsonCodec } from '../message/codec.ts'
import { type BodyLimits, defaultBodyLimits } from '../message/limits.ts'
import type { Message } from '../message/message.ts'
import { type TraceContextSource, traceOfHandler, withTrace } from '../message/trace-context.ts'
import { outboxRowOf } from './outbox-row.ts'
import type { OutboxStore } from './outbox-store.ts'

/** The write side of the outbox: messages commit, or roll back, with the domain change they speak of. */
export type Outbox = {
  /** The service that writes. */
  readonly service: string
  /**
   * Writes messages in the caller’s transaction, all with one statement, in their order. It has no connection of its own.
   *
   * For messages of one key to be published in commit order, lock the key’s row in an *earlier* statement than this one
   * (an `update` of the aggregate does).
   *
   * Nothing reaches the database when a message is refused, so the transaction stays usable.
   *
   * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `TRANSACTION_UNSUPPORTED`, `SCHEMA_MISSING`
   * @example
   * await knex.transaction(async (tx) => {
   *   await tx('orders').insert(order)
   *   await outbox.enqueue(tx, OrderPlaced.create(order))
   * })
   */
  enqueue(tx: CallerTransaction, messages: Message | readonly Message[]): Promise<void>
}

/** Makes an {@link Outbox} over a store. Applications call `createOutbox` of the package, which brings the store. */
export function outboxOver(
  store: OutboxStore,
  options: {
    readonly service: string
    readonly codec?: Codec
    readonly limits?: BodyLimits
    readonly traceContext?: TraceContextSource
  },
): Outbox {
  const { service, codec = jsonCodec, limits = defaultBodyLimits, traceContext = traceOfHandler } = options
  return {
    service,
    enqueue: async (tx, messages) => {
      const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message]
      if (list.length === 0) return
      await store.insert(
        tx,
        list.map((message) => outboxRowOf(withTrace(message, traceContext), codec, limits)),
      )
    },
  }
}
