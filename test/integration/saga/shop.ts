import { z } from 'zod'
import { command } from '../../../src/message/command.ts'
import { saga } from '../../../src/runtime/saga.ts'

/** What a saga of these tests starts with. */
export const Order = z.object({ orderId: z.string(), total: z.int() })

export const ReserveStock = command('stock.reserve', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string() }),
  ok: z.object({ reservationId: z.string() }),
  rejected: { outOfStock: z.object({ left: z.int() }) },
})
export const ReleaseStock = command('stock.release', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), reservationId: z.string().optional() }),
  ok: z.object({}),
})
export const HoldCarrier = command('carrier.hold', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), reservationId: z.string() }),
  ok: z.object({ slot: z.int() }),
  rejected: { noCarrier: z.object({}) },
})
export const FreeCarrier = command('carrier.free', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), slot: z.int().optional() }),
  ok: z.object({}),
})
export const ChargeCard = command('payment.charge', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), amount: z.int() }),
  ok: z.object({ chargeId: z.string() }),
  rejected: { declined: z.object({ reason: z.string() }) },
})
export const ShipOrder = command('shipping.ship', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), slot: z.int() }),
  ok: z.object({ parcel: z.string() }),
})

/** Two steps that can be undone, a pivot and a retriable step; two sends of each, the first answer awaited for `timeout`. */
export function orderSaga(
  options: { readonly name?: string; readonly version?: number; readonly timeout?: '1h' | '50ms' } = {},
) {
  const { name = 'place-order', version = 1, timeout = '1h' } = options
  const retry = { attemptsMax: 2, backoff: { initialMs: 10, maxMs: 10, factor: 1 } }
  return saga(name, { version, input: Order, key: (order) => order.orderId })
    .step('reserve', {
      send: ReserveStock,
      with: ({ input }) => ({ orderId: input.orderId }),
      undo: {
        send: ReleaseStock,
        with: ({ input, result }) => ({
          orderId: input.orderId,
          ...(result && { reservationId: result.reservationId }),
        }),
        timeout,
        retry,
      },
      timeout,
      retry,
    })
    .step('hold', {
      send: HoldCarrier,
      with: ({ input, done }) => ({ orderId: input.orderId, reservationId: done.reserve.reservationId }),
      undo: {
        send: FreeCarrier,
        with: ({ input, result }) => ({ orderId: input.orderId, ...(result && { slot: result.slot }) }),
        timeout,
        retry,
      },
      timeout,
      retry,
    })
    .pivot('charge', {
      send: ChargeCard,
      with: ({ input }) => ({ orderId: input.orderId, amount: input.total }),
      timeout,
      retry,
    })
    .retriable('ship', {
      send: ShipOrder,
      with: ({ input, done }) => ({ orderId: input.orderId, slot: done.hold.slot }),
      timeout,
      retry,
    })
    .build()
}
