import { on } from 'backstitch'
import { OrderPlaced } from './messages.ts'

/** A consumer downstream counts what was ordered, by customer. */
export const salesTables = `create table if not exists sale (customer text primary key, orders integer not null, total bigint not null)`

/** Handles the events that sales is interested in. */
export const salesHandlers = [
  on(OrderPlaced, async ({ body }, { tx }) => {
    await tx.query(
      `insert into sale (customer, orders, total) values ($1, 1, $2)
       on conflict (customer) do update set orders = sale.orders + 1, total = sale.total + excluded.total`,
      [body.customer, body.total],
    )
  }),
]
