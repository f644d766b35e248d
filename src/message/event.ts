import type { z } from 'zod'
import { BackstitchError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { assertContract, assertKey } from './contract.ts'
import type { Message, MessageContext } from './message.ts'
import { assertAggregateType } from './topic.ts'
import { validateBody } from './validate.ts'

/** What may be said of one message beside its body. */
export type MessageOptions = {
  /** Give it only to repeat a message that may have been sent before; by default a new UUID of version 7. */
  readonly id?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly context?: MessageContext
}

/** Something that happened, for whoever is interested. */
export type EventContract<Name extends string = string, Payload extends z.ZodType = z.ZodType> = {
  readonly kind: 'event'
  readonly name: Name
  readonly version: number
  readonly aggregateType: string
  readonly payload: Payload
  /** Validates the payload, which is never `null`, and makes the message. @throws `MESSAGE_INVALID` */
  create(payload: z.input<Payload>, options?: MessageOptions): Message<z.output<Payload>>
  /** A record without a value, which deletes the key from a compacted topic. */
  tombstone(key: string, options?: MessageOptions): Message<z.output<Payload>>
}

/**
 * Declares an event. The schema describes the wire: what it returns is what is sent, so it should not transform into what JSON cannot hold.
 *
 * @param name `<aggregate>.<what happened>`; what stands before the first dot is the aggregate type unless one is given
 * @throws `CONTRACT_INVALID`
 * @example
 * const OrderPlaced = event('order.placed', {
 *   version: 1,
 *   key: (order) => order.orderId,
 *   payload: z.object({ orderId: z.uuid(), total: z.int() }),
 * })
 */
export function event<const Name extends string, Payload extends z.ZodType>(
  name: Name,
  definition: {
    readonly version: number
    /** The key of the record: messages of one key keep their order. */
    readonly key: (payload: z.output<Payload>) => string
    readonly payload: Payload
    readonly aggregateType?: string
  },
): EventContract<Name, Payload> {
  const { version, key, payload: schema } = definition
  const aggregateType =
    definition.aggregateType ?? name.slice(0, name.includes('.') ? name.indexOf('.') : undefined)
  const owner = `${name} v${version}`
  assertContract(name, version)
  assertAggregateType(aggregateType, owner)
  const make = (messageKey: string, body: z.output<Payload> | null, options: MessageOptions) => ({
    id: options.id ?? newId(),
    aggregateType,
    key: assertKey(messageKey, owner),
    type: name,
    version,
    body,
    headers: options.headers ?? {},
    context: options.context ?? {},
  })
  return {
    kind: 'event',
    name,
    version,
    aggregateType,
    payload: schema,
    create: (input, options = {}) => {
      const body = validateBody(schema, input, owner)
      if (body === null)
        throw new BackstitchError(
          'MESSAGE_INVALID',
          `${owner}: a body of null is a tombstone, see tombstone(key)`,
        )
      return make(key(body), body, options)
    },
    tombstone: (messageKey, options = {}) => make(messageKey, null, options),
  }
}
