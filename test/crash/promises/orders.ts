import type pg from 'pg'
import { expect } from 'vitest'
import { balanceAtFirst, type Fate, type FatedOrder, goods, onHandAtFirst } from '../world/shop-orders.ts'
import type { ShopStage } from '../world/shop.ts'

/** What is left of an order in the tables, by its fate. */
const endings: Record<Fate, { status: string; undone: string[]; reserved: boolean | null; paid: boolean }> = {
  shipped: { status: 'completed', undone: [], reserved: true, paid: true },
  'out of stock': { status: 'compensated', undone: [], reserved: null, paid: false },
  'card declined': { status: 'compensated', undone: ['reserve'], reserved: false, paid: false },
  'no quote': { status: 'compensated', undone: ['quote', 'reserve'], reserved: false, paid: false },
}

/**
 * Checks the tables of all services:
 * - I5 each saga has completed or was compensated, as its fate was; what was undone was undone in reverse order
 * - I3 each effect is there once, and stock and money are conserved
 * - nothing is left over: no timer, no message set aside
 */
export async function expectEnded(stage: ShopStage, orders: readonly FatedOrder[]): Promise<void> {
  const saga = stage.pool('orders')
  const services = stage.pool('services')
  const expected = orders.map(({ order, fate }) => ({ ...endings[fate], order }))

  const { rows: sagas } = await saga.query(
    `select business_key as id, status,
       array(select step from backstitch.saga_history
         where saga_id = i.id and kind = 'ok' and direction = 'undo' order by revision, ordinal) as undone
     from backstitch.saga_instance as i order by business_key`,
  )
  expect(sagas, 'I5: the end of each saga').toEqual(
    sorted(expected.map(({ order: { orderId: id }, status, undone }) => ({ id, status, undone }))),
  )

  const { rows: reservations } = await services.query(
    'select order_id as id, sku, quantity, released from reservation order by order_id, sku',
  )
  expect(reservations, 'I3: reservations').toEqual(
    sorted(
      expected.flatMap(({ order, reserved }) =>
        reserved === null
          ? []
          : order.lines.map(({ sku, quantity }) => ({
              id: order.orderId,
              sku,
              quantity,
              released: !reserved,
            })),
      ),
    ),
  )
  const paid = expected.filter((it) => it.paid).map(({ order }) => order)
  expect(await idsIn(services, 'entry'), 'I3: payments').toEqual(idsOf(paid))
  expect(await idsIn(services, 'parcel'), 'I3: parcels').toEqual(idsOf(paid))

  const { rows: sums } = await services.query(
    `select (select sum(on_hand) from stock_item)::integer
         + (select coalesce(sum(quantity), 0) from reservation where not released)::integer as goods,
       (select sum(balance) from card)::integer as cards, (select balance from shop)::integer as shop`,
  )
  const takings = paid.reduce((sum, { total }) => sum + total, 0)
  expect(sums, 'I3: stock and money are conserved').toEqual([
    { goods: goods.length * onHandAtFirst, cards: 2 * balanceAtFirst - takings, shop: takings },
  ])
  const { rows: left } = await saga.query(
    'select (select count(*) from backstitch.timer)::integer as timers, (select count(*) from backstitch.saga_set_aside)::integer as aside',
  )
  expect(left).toEqual([{ timers: 0, aside: 0 }])
}

async function idsIn(pool: pg.Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(`select order_id as id from ${table} order by order_id`)
  return rows.map(({ id }) => id)
}

function idsOf(orders: readonly { readonly orderId: string }[]): string[] {
  return orders.map(({ orderId }) => orderId).toSorted()
}

function sorted<Row extends { readonly id: string; readonly sku?: string }>(rows: readonly Row[]): Row[] {
  const keyOf = ({ id, sku = '' }: Row): string => `${id} ${sku}`
  return rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}
