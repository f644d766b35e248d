import { command, defineConfig, event, saga } from 'backstitch'
import { z } from 'zod'

const order = z.object({ orderId: z.string() })

const OrderPlaced = event('order.placed', { version: 1, key: (it) => it.orderId, payload: order })

const Reserve = command('stock.reserve', { version: 1, key: (it) => it.orderId, request: order, ok: order })
const Release = command('stock.release', {
  version: 1,
  key: (it) => it.orderId,
  request: order,
  ok: z.object({}),
})

export const placeOrder = saga('place-order', { version: 1, input: order, key: (it) => it.orderId })
  .step('reserve', {
    send: Reserve,
    with: ({ input }) => input,
    undo: { send: Release, with: ({ request }) => request },
  })
  .build()

/** Addresses and brokers come from the environment: DATABASE_URL_ORDERS, DATABASE_URL_STOCK, KAFKA_BROKERS. */
export default defineConfig({
  databases: [
    { name: 'orders', parts: ['outbox', 'inbox', 'saga', 'timer'] },
    { name: 'stock', parts: ['outbox', 'inbox', 'participant'] },
  ],
  topicPrefix: process.env['TOPIC_PREFIX'] ?? 'outbox.event.',
  orchestrator: { sagas: [placeOrder] },
  contracts: [OrderPlaced],
  topics: { partitions: 2, replicationFactor: 1 },
})
