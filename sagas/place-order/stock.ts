import { handle } from 'backstitch'
import { ReleaseStock, ReserveStock } from './messages.ts'

/** The stock service’s own tables. `reservation` has no unique key on the order: a command that took effect twice would show. */
export const stockTables = `
create table if not exists stock_item (sku text primary key, on_hand integer not null check (on_hand >= 0));
create table if not exists reservation (
  reservation_id text not null,
  order_id uuid not null,
  sku text not null,
  quantity integer not null,
  released boolean not null default false
);
create index if not exists reservation_order on reservation (order_id)`

/** Handles the commands to stock. */
export const stockHandlers = [
  handle(ReserveStock, async ({ orderId, lines }, { tx, ok, rejected }) => {
    // The rows are locked in one order by all, and looked at before any is changed: a rejection leaves nothing behind.
    const { rows } = await tx.query<{ sku: string; on_hand: number }>(
      'select sku, on_hand from stock_item where sku = any($1) order by sku for update',
      [lines.map(({ sku }) => sku)],
    )
    const onHand = new Map(rows.map(({ sku, on_hand }) => [sku, on_hand]))
    for (const { sku, quantity } of lines) {
      const left = (onHand.get(sku) ?? 0) - quantity
      if (left < 0) return rejected.outOfStock({ sku, left: onHand.get(sku) ?? 0 })
      onHand.set(sku, left)
    }
    const reservationId = `R-${orderId.slice(-12)}`
    await tx.query(
      `with line as (select * from jsonb_to_recordset($1::jsonb) as l (sku text, quantity integer)),
       taken as (
         update stock_item set on_hand = on_hand - need.quantity
         from (select sku, sum(quantity)::integer as quantity from line group by sku) as need
         where stock_item.sku = need.sku
       )
       insert into reservation (reservation_id, order_id, sku, quantity) select $2, $3, sku, quantity from line`,
      [JSON.stringify(lines), reservationId, orderId],
    )
    return ok({ reservationId })
  }),

  handle(ReleaseStock, async ({ orderId }, { tx, ok }) => {
    await tx.query(
      `select from stock_item where sku in (select sku from reservation where order_id = $1 and not released) order by sku for update`,
      [orderId],
    )
    const { rows } = await tx.query<{ quantity: number }>(
      `with freed as (update reservation set released = true where order_id = $1 and not released returning sku, quantity),
       back as (
         update stock_item set on_hand = on_hand + given.quantity
         from (select sku, sum(quantity)::integer as quantity from freed group by sku) as given
         where stock_item.sku = given.sku
       )
       select quantity from freed`,
      [orderId],
    )
    return ok({ released: rows.reduce((sum, { quantity }) => sum + quantity, 0) })
  }),
]
