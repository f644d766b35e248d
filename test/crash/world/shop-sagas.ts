import { command, handle, saga } from 'backstitch'
import { z } from 'zod'
import { Order, ReleaseStock, ReserveStock } from '../../../sagas/place-order/messages.ts'
import { placeOrder } from '../../../sagas/place-order/saga.ts'

/** A command that its service has no handler for: it becomes a dead letter, and no answer ever comes. */
const AskCourier = command('courier.quote', {
  version: 1,
  key: ({ orderId }) => orderId,
  request: z.object({ orderId: z.uuid() }),
  ok: z.object({ price: z.int() }),
})

const ForgetQuote = command('courier.forget', {
  version: 1,
  key: ({ orderId }) => orderId,
  request: z.object({ orderId: z.uuid() }),
  ok: z.object({}),
})

/** All that the courier can do: take {@link AskCourier} back. */
export const courierHandlers = [handle(ForgetQuote, (_, { ok }) => Promise.resolve(ok({})))]

/** Waits in vain for a courier, twice, by timers; then both of its steps are undone, the last one first. */
export const quoteOrder = saga('quote-order', { version: 1, input: Order, key: (order) => order.orderId })
  .step('reserve', {
    send: ReserveStock,
    with: ({ input }) => ({
      orderId: input.orderId,
      lines: input.lines.map(({ sku, quantity }) => ({ sku, quantity })),
    }),
    undo: { send: ReleaseStock, with: ({ input }) => ({ orderId: input.orderId }) },
  })
  .step('quote', {
    send: AskCourier,
    with: ({ input }) => ({ orderId: input.orderId }),
    undo: { send: ForgetQuote, with: ({ input }) => ({ orderId: input.orderId }) },
    timeout: '300ms',
    retry: { attemptsMax: 2, backoff: { initialMs: 50, maxMs: 50 } },
  })
  .build()

/** What the orchestrator of the shop drives. */
export const sagas = [placeOrder, quoteOrder]
