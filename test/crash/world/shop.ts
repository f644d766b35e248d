import {
  createOrchestrator,
  createOutbox,
  createParticipant,
  createRelay,
  declaredTopics,
  type ProcessPart,
} from 'backstitch'
import type pg from 'pg'
import { OrderPlaced } from '../../../sagas/place-order/messages.ts'
import { ordersTables, place } from '../../../sagas/place-order/orders.ts'
import { paymentHandlers, paymentTables } from '../../../sagas/place-order/payment.ts'
import { placeOrder } from '../../../sagas/place-order/saga.ts'
import { shippingHandlers, shippingTables } from '../../../sagas/place-order/shipping.ts'
import { stockHandlers, stockTables } from '../../../sagas/place-order/stock.ts'
import { type FatedOrder, shopStock } from './shop-orders.ts'
import { courierHandlers, quoteOrder, sagas } from './shop-sagas.ts'
import { Stage } from './stage.ts'

/** The orders and their sagas in one database, the services in another. */
export type ShopStage = Stage<'orders' | 'services'>

const outbox = createOutbox({ service: 'orders' })

/** Builds the shop: databases and topics, without any part. */
export function openShop(topicPrefix: string): Promise<ShopStage> {
  return Stage.open(
    topicPrefix,
    {
      orders: { parts: ['outbox', 'inbox', 'saga', 'timer'], tables: ordersTables },
      services: {
        parts: ['outbox', 'inbox', 'participant'],
        tables: [stockTables, paymentTables, shippingTables, shopStock].join(';'),
      },
    },
    declaredTopics({ contracts: [OrderPlaced], sagas, topicPrefix, partitions: 2 }),
  )
}

/** All parts of the shop that are not killed, to be started in the process of the tests. */
export function shopParts(stage: ShopStage, killed: 'orchestrator' | 'participant'): ProcessPart[] {
  const { tools, pools } = stage
  const service = (name: string, handlers: typeof stockHandlers): ProcessPart =>
    createParticipant({ ...tools, database: stage.pool('services'), service: name, handlers })
  return [
    createRelay({ ...tools, databases: pools }),
    service('payment', paymentHandlers),
    service('shipping', shippingHandlers),
    service('courier', courierHandlers),
    killed === 'orchestrator'
      ? service('stock', stockHandlers)
      : createOrchestrator({ ...tools, database: stage.pool('orders'), sagas }),
  ]
}

/** A relay, and an orchestrator from before there were quotes. */
export function oldParts(stage: ShopStage): ProcessPart[] {
  const { tools, pools } = stage
  return [
    createRelay({ ...tools, databases: pools }),
    createOrchestrator({ ...tools, database: stage.pool('orders'), sagas: [placeOrder] }),
  ]
}

/** Places orders, each in a transaction of its own. Quotes can be asked for in either database, for no order is written. */
export async function placeOrders(
  stage: ShopStage,
  orders: readonly FatedOrder[],
  database: 'orders' | 'services' = 'orders',
): Promise<void> {
  for (const fated of orders) await inTransaction(stage.pool(database), (client) => placeOne(client, fated))
}

async function placeOne(client: pg.PoolClient, { order, fate }: FatedOrder): Promise<void> {
  if (fate === 'no quote') await quoteOrder.start(client, order)
  else await place(client, outbox, order)
}

async function inTransaction(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await work(client)
    await client.query('commit')
  } finally {
    client.release()
  }
}
