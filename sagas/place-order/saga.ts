import { saga } from 'backstitch'
import { ChargeCard, Order, ReleaseStock, ReserveStock, ShipOrder } from './messages.ts'

/** An order, from the reservation to the parcel: refused goods or a refused card undo what was done before. */
export const placeOrder = saga('place-order', { version: 1, input: Order, key: (order) => order.orderId })
  .step('reserve', {
    send: ReserveStock,
    with: ({ input }) => ({
      orderId: input.orderId,
      lines: input.lines.map(({ sku, quantity }) => ({ sku, quantity })),
    }),
    undo: { send: ReleaseStock, with: ({ input }) => ({ orderId: input.orderId }) },
    timeout: '10s',
  })
  .pivot('charge', {
    send: ChargeCard,
    with: ({ input }) => ({ orderId: input.orderId, card: input.card, amount: input.total }),
    timeout: '10s',
  })
  .retriable('ship', {
    send: ShipOrder,
    with: ({ input, done }) => ({
      orderId: input.orderId,
      reservationId: done.reserve.reservationId,
      address: input.address,
    }),
    timeout: '10s',
  })
  .build()
