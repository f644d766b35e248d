import { handle } from 'backstitch'
import { ShipOrder } from './messages.ts'

/** The shipping service’s own table. It has no unique key on the order: a parcel sent twice would show. */
export const shippingTables = `create table if not exists parcel (
  tracking_number text not null,
  order_id uuid not null,
  city text not null,
  sent_at timestamptz not null default clock_timestamp()
)`

/** Handles the commands to shipping. */
export const shippingHandlers = [
  handle(ShipOrder, async ({ orderId, address }, { tx, ok }) => {
    const trackingNumber = `BX${orderId.replaceAll('-', '').slice(-10).toUpperCase()}${address.country}`
    await tx.query('insert into parcel (tracking_number, order_id, city) values ($1, $2, $3)', [
      trackingNumber,
      orderId,
      address.city,
    ])
    return ok({ trackingNumber })
  }),
]
