import type { z } from 'zod'
import { BackstitchError } from '../../kernel/errors.ts'
import type { EventContract } from '../../message/event.ts'
import type { BatchHandler, EventSubscription, SubscriptionOptions } from './event-subscription.ts'
import type { ReceivedEvent, ReceivedTombstone } from './handler-context.ts'

/** Enough that a commit and a few statements cost little per message, and few enough for a transaction of a moment. */
const defaultBatchSizeMax = 500
/** A handler needs no more at once, and the arrays of a statement should not have more. */
const largestBatch = 10_000

/**
 * Subscribes a consumer to an event, many messages at a time: what a statement or two can do for all of them costs a fraction of what it
 * costs one by one. All are one transaction: their effects, what the handler sends, and the notes that they were handled. Messages that
 * were handled before are not among them. When the handler throws, it is called with one message at a time, so that only the one that fails
 * is held back: it must do the same however the messages are cut into batches.
 *
 * @param options.batchSizeMax messages in one call at most, 1 to 10,000. Default 500
 * @param options.tombstones hands over records without a value too, in their place, with a body of `null`; by default they are skipped
 * @throws `CONFIG_INVALID`
 * @example
 * onBatch(OrderPlaced, async (messages, { tx, enqueue }) => {
 *   await tx.query('insert into invoice select * from unnest($1::uuid[], $2::integer[])', [
 *     messages.map(({ body }) => body.orderId), messages.map(({ body }) => body.total) ])
 *   for (const message of messages)
 *     enqueue(InvoiceWritten.create({ orderId: message.body.orderId }), { causedBy: message })
 * })
 */
export function onBatch<Payload extends z.ZodType, const Tombstones extends boolean = false>(
  contract: EventContract<string, Payload>,
  handler: BatchHandler<
    ReceivedEvent<z.output<Payload>> | (Tombstones extends true ? ReceivedTombstone : never)
  >,
  options: SubscriptionOptions & { readonly batchSizeMax?: number; readonly tombstones?: Tombstones } = {},
): EventSubscription {
  const { batchSizeMax = defaultBatchSizeMax, tombstones = false, topic, order } = options
  if (!Number.isInteger(batchSizeMax) || batchSizeMax < 1 || batchSizeMax > largestBatch)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `${contract.name} v${contract.version}: batchSizeMax is a whole number from 1 to ${largestBatch}, not ${batchSizeMax}`,
    )
  return {
    kind: 'batch',
    contract,
    // The reader has validated the bodies with this very contract.
    handler: handler as BatchHandler<ReceivedEvent | ReceivedTombstone>,
    batchSizeMax,
    takesTombstones: tombstones,
    ...(topic !== undefined && { topic }),
    ...(order !== undefined && { order }),
  }
}
