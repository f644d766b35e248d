import { defineConfig } from 'backstitch'
import { OrderPlaced } from '../sagas/place-order/messages.ts'
import { placeOrder } from '../sagas/place-order/saga.ts'

const names = ['orders', 'stock', 'payment', 'shipping', 'sales']

/** What `backstitch relay` and `backstitch orchestrator` of the demo are configured by. */
export default defineConfig({
  databases: names.map((name) => ({ name, url: process.env[`DEMO_${name.toUpperCase()}_URL`]! })),
  orchestrator: { database: 'orders', sagas: [placeOrder] },
  contracts: [OrderPlaced],
  topics: { partitions: 6 },
})
