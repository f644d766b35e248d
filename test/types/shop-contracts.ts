import { z } from 'zod'
import { command } from '../../src/message/command.ts'

/** Contracts for the tests of the builder’s types. */
export const Order = z.object({
  orderId: z.string(),
  sku: z.string(),
  total: z.int(),
  note: z.string().default(''),
})

export const ReserveStock = command('stock.reserve', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), sku: z.string(), quantity: z.int().default(1) }),
  ok: z.object({ reservationId: z.string() }),
  rejected: { outOfStock: z.object({ left: z.int() }) },
})

export const ReleaseStock = command('stock.release', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), reservationId: z.string().optional() }),
  ok: z.object({ released: z.int() }),
})

export const ChargeCard = command('payment.charge', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({ orderId: z.string(), amount: z.int() }),
  ok: z.object({ paymentId: z.string() }),
  rejected: { cardDeclined: z.object({ reason: z.string() }) },
})

export const ShipOrder = command('shipping.ship', {
  version: 1,
  key: (request) => request.orderId,
  request: z.object({
    orderId: z.string(),
    reservationId: z.string(),
    speed: z.enum(['fast', 'slow']).optional(),
  }),
  ok: z.object({ trackingNumber: z.string() }),
})
