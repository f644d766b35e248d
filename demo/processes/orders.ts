import { createOutbox } from 'backstitch'
import { Pool } from 'pg'
import { place } from '../../sagas/place-order/orders.ts'
import { placedOrders } from '../placed-order.ts'

// The order service: places `argv[2]` orders, of which the share `argv[3]` will be refused, `argv[4]` a second, and tells its parent of each.
const [count, refuse, rate] = process.argv.slice(2).map(Number) as [number, number, number]
const pool = new Pool({ connectionString: process.env['DEMO_ORDERS_URL'], max: 8 })
const outbox = createOutbox({ service: 'orders' })

const begun = performance.now()
const running = new Set<Promise<void>>()
let n = 0
for (const { order, fate } of placedOrders(count, refuse)) {
  const due = begun + (n++ / rate) * 1000
  if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()))
  const task = placeOne(order)
    .then(() => void process.send?.({ placed: order.orderId, fate }))
    .finally(() => running.delete(task))
  running.add(task)
  if (running.size >= 8) await Promise.race(running)
}
await Promise.all(running)
await pool.end()
process.exit(0)

async function placeOne(order: Parameters<typeof place>[2]): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await place(client, outbox, order)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
