import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Order } from '../sagas/place-order/messages.ts'

/** How an order will end. */
export type Fate = 'shipped' | 'out of stock' | 'card declined'

/** A thing that is sold out, and a card that is blocked. */
export const soldOutSku = 'LAMP-LIMITED'
export const blockedCard = 'card-blocked'

/**
 * The orders of the file, again and again, each with a new id. Of every ten with `refuse` 0.2 one asks for a sold-out thing and another is paid
 * with a blocked card.
 */
export function* placedOrders(count: number, refuse: number): Generator<{ order: Order; fate: Fate }> {
  const templates = readFileSync(new URL('orders.jsonl', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Omit<Order, 'orderId'>)
  let refused = 0
  for (let n = 0; n < count; n++) {
    const template = templates[n % templates.length]!
    const order = { ...template, orderId: randomUUID() }
    if (Math.floor((n + 1) * refuse) === refused) yield { order, fate: 'shipped' }
    else if (refused++ % 2 === 0) {
      const [first, ...rest] = order.lines
      yield { order: { ...order, lines: [...rest, { ...first!, sku: soldOutSku }] }, fate: 'out of stock' }
    } else yield { order: { ...order, card: blockedCard }, fate: 'card declined' }
  }
}
