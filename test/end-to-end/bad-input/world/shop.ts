import { command, event, handle, on, saga } from 'backstitch'
import { z } from 'zod'

const Order = z.object({ orderId: z.string(), total: z.int().positive() })

/** The shop’s event. */
export const OrderPlaced = event('order.placed', {
  version: 1,
  key: ({ orderId }) => orderId,
  payload: Order,
})

const ReserveStock = command('stock.reserve', {
  version: 1,
  key: ({ orderId }) => orderId,
  request: Order,
  ok: z.object({ reservationId: z.string() }),
})

/** A saga of one step. */
export const placeOrder = saga('place-order', { version: 1, input: Order, key: ({ orderId }) => orderId })
  .pivot('reserve', { send: ReserveStock, with: ({ input }) => input })
  .build()

/** Writes an order into the table `invoice`. */
export const writeInvoice = on(OrderPlaced, async ({ body }, { tx }) => {
  await tx.query('insert into invoice (order_id, total) values ($1, $2)', [body.orderId, body.total])
})

/** Reserves what an order needs, without looking. */
export const reserveStock = handle(ReserveStock, async ({ orderId }, { ok }) =>
  ok({ reservationId: `${orderId}-1` }),
)

/** The table that {@link writeInvoice} writes into. It takes an order any number of times: what is applied twice shows. */
export const invoiceTable =
  'create table invoice (at bigint generated always as identity, order_id text, total integer)'
