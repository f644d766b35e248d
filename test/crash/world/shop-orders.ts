import { randomUUID } from 'node:crypto'
import type { Order } from '../../../sagas/place-order/messages.ts'

/** How an order will end. The last kind is of the saga that asks for a quote. */
export type Fate = 'shipped' | 'out of stock' | 'card declined' | 'no quote'

/** An order and its fate. */
export type FatedOrder = { readonly order: Order; readonly fate: Fate }

/** What the shop begins with. */
export const onHandAtFirst = 10_000
export const balanceAtFirst = 1_000_000
export const goods = ['MUG', 'TEA']
const soldOut = 'LAMP'
const blockedCard = 'card-blocked'

/** Fills the tables of the shop. */
export const shopStock = `
insert into stock_item (sku, on_hand) select sku, ${onHandAtFirst} from unnest(array['${goods.join("', '")}']) as sku;
insert into stock_item (sku, on_hand) values ('${soldOut}', 0);
insert into card (card, balance) values ('card-1', ${balanceAtFirst});
insert into card (card, balance, blocked) values ('${blockedCard}', ${balanceAtFirst}, true)`

/** A new order of two lines with this fate. */
export function fatedOrder(fate: Fate): FatedOrder {
  const [first = '', second = ''] = goods
  return {
    fate,
    order: {
      orderId: randomUUID(),
      customer: 'Ada',
      card: fate === 'card declined' ? blockedCard : 'card-1',
      lines: [
        { sku: first, quantity: 2, unitPrice: 500 },
        { sku: fate === 'out of stock' ? soldOut : second, quantity: 3, unitPrice: 300 },
      ],
      total: 1_900,
      address: { name: 'Ada', street: 'Mill Lane 1', city: 'London', country: 'GB' },
    },
  }
}
