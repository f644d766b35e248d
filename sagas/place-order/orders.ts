import { type Outbox, type SqlExecutor } from 'backstitch'
import { type Order, OrderPlaced } from './messages.ts'
import { placeOrder } from './saga.ts'

/** The order service’s own table. */
export const ordersTables = `create table if not exists orders (
  order_id uuid primary key,
  customer text not null,
  total integer not null,
  placed_at timestamptz not null default clock_timestamp()
)`

/**
 * Places an order: its row, the event that tells of it, and the saga that carries it out are one transaction, the caller’s.
 * @param tx an open transaction in the orders’ database, where the orchestrator works too
 */
export async function place(tx: SqlExecutor, outbox: Outbox, order: Order): Promise<void> {
  const { orderId, customer, total } = order
  await tx.query('insert into orders (order_id, customer, total) values ($1, $2, $3)', [
    orderId,
    customer,
    total,
  ])
  await outbox.enqueue(tx, OrderPlaced.create({ orderId, customer, total }))
  await placeOrder.start(tx, order)
}
