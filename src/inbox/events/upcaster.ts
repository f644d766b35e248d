import type { z } from 'zod'
import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { EventContract } from '../../message/event.ts'
import type { ReceivedMessage } from '../../message/message.ts'
import { validateBody } from '../../message/validate.ts'
import type { ReceivedEvent } from './handler-context.ts'

/** How an older version of an event becomes a newer one: what {@link upcast} makes and a consumer takes. */
export type Upcaster = {
  readonly from: EventContract
  readonly to: EventContract
  readonly convert: (body: unknown, message: ReceivedEvent) => unknown
}

/**
 * Lets the handler of a newer version of an event have the older ones as well, as if they had been written in its version. Upcasters follow each
 * other: one from 1 to 2 and one from 2 to 3 make of version 1 a version 3. Names and topics may differ.
 *
 * @param convert pure: it may run again. What it returns is validated with the newer contract. What fails is a dead letter (`UPCAST_FAILED`)
 * @example
 * upcast(OrderPlacedV1, OrderPlacedV2, ({ orderId, total }) => ({ orderId, amount: { value: total, currency: 'EUR' } }))
 */
export function upcast<From extends z.ZodType, To extends z.ZodType>(
  from: EventContract<string, From>,
  to: EventContract<string, To>,
  convert: (body: z.output<From>, message: ReceivedEvent<z.output<From>>) => z.input<To>,
): Upcaster {
  // The reader has validated the body with the older contract.
  return { from, to, convert: convert as Upcaster['convert'] }
}

/** A message as its newer version. A tombstone has no body to convert. @throws `UPCAST_FAILED` */
export function upcasted(message: ReceivedMessage, { from, to, convert }: Upcaster): ReceivedMessage {
  const { name: type, version, aggregateType } = to
  const writtenAs = message.writtenAs ?? { type: message.type, version: message.version }
  const newer = { ...message, type, version, aggregateType, writtenAs }
  if (message.body === null) return newer
  const place = `${from.name} v${from.version} to ${type} v${version}`
  try {
    const body: unknown = validateBody(to.payload, convert(message.body, message), place)
    if (body === null) throw failed(`${place}: it gives null`)
    return { ...newer, body }
  } catch (thrown) {
    throw isBackstitchError(thrown, 'UPCAST_FAILED')
      ? thrown
      : failed(`${place}: ${reasonOf(thrown)}`, thrown)
  }
}

function failed(place: string, cause?: unknown): BackstitchError {
  return new BackstitchError('UPCAST_FAILED', place, { cause })
}
