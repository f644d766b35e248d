import type { Part } from 'backstitch/migrations'
import { migrate } from 'backstitch/postgres'
import { Client, Pool } from 'pg'
import { ordersTables } from '../sagas/place-order/orders.ts'
import { paymentTables } from '../sagas/place-order/payment.ts'
import { salesTables } from '../sagas/place-order/sales.ts'
import { shippingTables } from '../sagas/place-order/shipping.ts'
import { stockTables } from '../sagas/place-order/stock.ts'
import { blockedCard, soldOutSku } from './placed-order.ts'

/** Each service has a database of its own; the orchestrator works in that of the orders. */
export const services = ['orders', 'stock', 'payment', 'shipping', 'sales'] as const
export type Service = (typeof services)[number]

const tables: Record<Service, string> = {
  orders: ordersTables,
  stock: stockTables,
  payment: paymentTables,
  shipping: shippingTables,
  sales: salesTables,
}

const parts: Record<Service, readonly Part[]> = {
  orders: ['outbox', 'inbox', 'saga', 'timer'],
  stock: ['outbox', 'inbox', 'participant'],
  payment: ['outbox', 'inbox', 'participant'],
  shipping: ['outbox', 'inbox', 'participant'],
  sales: ['outbox', 'inbox'],
}

/** What everything began with, for the checks at the end. */
export const initialStock = 1_000_000
export const initialBalance = 100_000_000
export const cards = 200

/** Creates and fills the databases, and gives a pool for each. */
export async function createDatabases(
  serverUrl: string,
): Promise<Record<Service, { url: string; pool: Pool }>> {
  const server = new Client({ connectionString: serverUrl })
  await server.connect()
  const run = Date.now().toString(36)
  const result = {} as Record<Service, { url: string; pool: Pool }>
  for (const service of services) {
    const url = new URL(serverUrl)
    url.pathname = `demo_${run}_${service}`
    await server.query(`create database "${url.pathname.slice(1)}"`)
    result[service] = { url: url.href, pool: new Pool({ connectionString: url.href, max: 4 }) }
  }
  await server.end()
  await Promise.all(
    services.map(async (service) => {
      await migrate({ database: result[service].pool, parts: parts[service] })
      await result[service].pool.query(tables[service])
    }),
  )
  await result.stock.pool.query(
    `insert into stock_item (sku, on_hand)
     select sku, $1 from unnest($2::text[]) as sku union all select $3, 0`,
    [initialStock, skus, soldOutSku],
  )
  await result.payment.pool.query(
    `insert into card (card, balance) select 'card-' || lpad(n::text, 3, '0'), $1 from generate_series(0, $2 - 1) as n`,
    [initialBalance, cards],
  )
  await result.payment.pool.query('insert into card (card, balance, blocked) values ($1, 0, true)', [
    blockedCard,
  ])
  return result
}

/** Drops the databases again. */
export async function dropDatabases(
  serverUrl: string,
  databases: Record<Service, { url: string; pool: Pool }>,
): Promise<void> {
  await Promise.all(services.map((service) => databases[service].pool.end()))
  const server = new Client({ connectionString: serverUrl })
  await server.connect()
  for (const service of services)
    await server.query(`drop database "${new URL(databases[service].url).pathname.slice(1)}" with (force)`)
  await server.end()
}

const skus = [
  'MUG-01',
  'TEA-EARL-100',
  'TEA-SENCHA-100',
  'KETTLE-S',
  'FILTER-50',
  'BOOK-TX',
  'LAMP-DESK',
  'PEN-BLUE',
  'NOTE-A5',
  'BAG-LINEN',
  'SCARF-WOOL',
  'COFFEE-ETH-250',
  'COFFEE-COL-1000',
  'GRINDER-H',
  'PLANT-FERN',
  'CANDLE-3',
]
