import { command, createOutbox, type Message, saga } from 'backstitch'
import { z } from 'zod'

const bytes = createOutbox({
  service: 'notes',
  codec: {
    contentType: 'application/x-bytes',
    encode: () => Buffer.from([0, 255, 39]),
    decode: () => undefined,
  },
})

const json = createOutbox({ service: 'notes' })

/** Messages that together use every column, with what libraries stumble over, and the outboxes that write them. */
export function everyColumn(): readonly { readonly writer: typeof json; readonly message: Message }[] {
  const sagaId = '0198a0a0-0000-7000-8000-000000000001'
  const message: Message = {
    id: crypto.randomUUID(),
    aggregateType: 'note',
    key: `k ' " \\ $1 ? ?? :name %s é 漢 😀`,
    type: 'note.noted',
    version: 3,
    body: { text: `' " \\ \n $1 ? ?? :name {"a":[1]} \u0000 😀`, list: [1, 2.5, null], big: 2 ** 53 - 1 },
    headers: { q: '?', 'a"b': `$1'\\` },
    context: {
      correlationId: 'c-1',
      causationId: 'c-0',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
      saga: { id: sagaId, name: 's', step: 'do it', round: 2, direction: 'undo', attempt: 1 },
      replyTo: 'orders.reply',
      outcome: 'rejected.soldOut',
      expiresAtUs: 1_795_514_400_123_457n,
    },
  }
  const plain = { ...message, headers: {}, context: {} }
  return [
    { writer: json, message },
    { writer: bytes, message: { ...plain, id: crypto.randomUUID() } },
    { writer: json, message: { ...plain, id: crypto.randomUUID(), body: null } },
  ]
}

/** The command of {@link trackOrder}. */
export const Tracked = command('parcel.track', {
  version: 1,
  key: (r) => r.orderId,
  request: z.object({ orderId: z.uuid() }),
  ok: z.object({}),
})

/** A saga of one step. */
export const trackOrder = saga('track-order', {
  version: 1,
  input: z.object({ orderId: z.uuid() }),
  key: (order) => order.orderId,
})
  .pivot('track', { send: Tracked, with: ({ input }) => input })
  .build()
