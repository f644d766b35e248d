import { command, event } from 'backstitch'
import { z } from 'zod'

/** One line of an order; money is in cents everywhere. */
const Line = z.object({
  sku: z.string().min(1),
  quantity: z.int().positive(),
  unitPrice: z.int().nonnegative(),
})

const Address = z.object({
  name: z.string(),
  street: z.string(),
  city: z.string(),
  country: z.string().length(2),
})

/** What a customer sends. */
export const Order = z.object({
  orderId: z.uuid(),
  customer: z.string(),
  card: z.string(),
  lines: z.array(Line).min(1),
  total: z.int().positive(),
  address: Address,
})

/** An order as the services pass it on. */
export type Order = z.infer<typeof Order>

/** Somebody placed an order: for whoever is interested. */
export const OrderPlaced = event('order.placed', {
  version: 1,
  key: (order) => order.orderId,
  payload: z.object({ orderId: z.uuid(), customer: z.string(), total: z.int() }),
})

/** Stock sets the goods aside. */
export const ReserveStock = command('stock.reserve', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.uuid(), lines: z.array(Line.pick({ sku: true, quantity: true })).min(1) }),
  ok: z.object({ reservationId: z.string() }),
  rejected: { outOfStock: z.object({ sku: z.string(), left: z.int() }) },
})

/** Stock puts the goods back. It names the order, not the reservation: whether there is one may be unknown. */
export const ReleaseStock = command('stock.release', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.uuid() }),
  ok: z.object({ released: z.int() }),
})

/** Payment takes the money: from here on the order is only carried out, never undone. */
export const ChargeCard = command('payment.charge', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.uuid(), card: z.string(), amount: z.int().positive() }),
  ok: z.object({ paymentId: z.string() }),
  rejected: { cardDeclined: z.object({ reason: z.string() }) },
})

/** Shipping sends the parcel; it cannot refuse, only take its time. */
export const ShipOrder = command('shipping.ship', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.uuid(), reservationId: z.string(), address: Address }),
  ok: z.object({ trackingNumber: z.string() }),
})
