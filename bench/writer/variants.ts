import { randomUUID } from 'node:crypto'
import { createOutbox, event } from 'backstitch'
import type { Pool, PoolClient } from 'pg'
import { z } from 'zod'

const OrderPlaced = event('order.placed', {
  version: 1,
  key: (order) => order.orderId,
  payload: z.object({ orderId: z.uuid(), account: z.int(), note: z.string() }),
})
/** With the rest of the body about 300 bytes. */
const note = 'x'.repeat(220)
const accounts = 10_000

/** One way to write an order: begin, an update, an insert, commit, and perhaps a message. */
export type Variant = { readonly name: string; run(pool: Pool): Promise<void> }

/** The same small transaction without an outbox, with one row by a bare insert, by `enqueue`, and by a unit of work whose row travels with the commit. */
export function variants(preparedStatements: boolean): readonly Variant[] {
  const suffix = preparedStatements ? ', prepared, pipelined' : ''
  const outbox = createOutbox({ service: 'bench', preparedStatements })
  const query = (client: PoolClient, name: string, text: string, values: unknown[]): Promise<unknown> =>
    client.query(preparedStatements ? { name, text, values } : { text, values })

  const business = async (client: PoolClient) => {
    const order = { orderId: randomUUID(), account: Math.floor(Math.random() * accounts), note }
    await query(client, 'update', 'update account set n = n + 1 where id = $1', [order.account])
    await query(client, 'insert', 'insert into orders (id, account) values ($1, $2)', [
      order.orderId,
      order.account,
    ])
    return order
  }
  const within = async (pool: Pool, work: (client: PoolClient) => Promise<unknown>): Promise<void> => {
    const client = await pool.connect()
    await client.query('begin')
    await work(client)
    await client.query('commit')
    client.release()
  }
  return [
    { name: `no outbox${suffix}`, run: (pool) => within(pool, business) },
    {
      name: `bare insert${suffix}`,
      run: (pool) =>
        within(pool, async (client) => {
          const order = await business(client)
          await query(
            client,
            'outbox',
            'insert into backstitch.outbox (id, aggregatetype, aggregateid, type, payload) values ($1, $2, $3, $4, $5)',
            [randomUUID(), 'order', order.orderId, 'order.placed', JSON.stringify(order)],
          )
        }),
    },
    {
      name: `enqueue${suffix}`,
      run: (pool) =>
        within(pool, async (client) => outbox.enqueue(client, OrderPlaced.create(await business(client)))),
    },
    {
      name: `unit of work${suffix}`,
      run: (pool) =>
        outbox.transaction(pool, async (client) =>
          outbox.enqueue(OrderPlaced.create(await business(client))),
        ),
    },
  ]
}
