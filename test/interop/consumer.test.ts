import { createConsumer, debezium, event, type MessageFormat, on } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { platformatic } from 'backstitch/platformatic'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { DebeziumOutbox } from './debezium-outbox.ts'

const OrderPlaced = event('order.placed', {
  version: 1,
  key: (order) => order.orderId,
  payload: z.object({ orderId: z.string(), total: z.int(), lines: z.array(z.object({ sku: z.string() })) }),
})
const OrderShipped = event('order.shipped', {
  version: 1,
  key: (o) => o.orderId,
  payload: z.object({ orderId: z.string() }),
})
const run = `interop_${Date.now().toString(36)}`
let outbox: DebeziumOutbox

const json = 'org.apache.kafka.connect.json.JsonConverter'
const converted = (schemas: boolean, expand: boolean): Record<string, string> => ({
  'value.converter': json,
  'value.converter.schemas.enable': String(schemas),
  'transforms.outbox.table.expand.json.payload': String(expand),
})
const placed = 'transforms.outbox.table.fields.additional.placement'

/** Connectors by how their values and keys leave, and what a consumer must know of it. */
const routers: Readonly<
  Record<string, { readonly settings: Record<string, string>; readonly format?: MessageFormat }>
> = {
  documented: { settings: {} },
  quoted: { settings: converted(false, false), format: debezium() },
  expanded: { settings: converted(false, true), format: debezium() },
  wrapped: { settings: converted(true, false), format: debezium() },
  wrapped_expanded: {
    settings: { ...converted(true, true), 'key.converter': json, 'key.converter.schemas.enable': 'true' },
    format: debezium(),
  },
  renamed: {
    settings: { ...converted(false, false), [placed]: 'type:header:eventType,version:header:eventVersion' },
    format: debezium({ type: 'eventType', version: 'eventVersion' }),
  },
  envelope: {
    settings: {
      ...converted(true, true),
      [placed]: 'type:envelope:eventType,correlation_id:envelope:correlation-id',
      'key.converter': json,
      'key.converter.schemas.enable': 'false',
    },
    format: debezium({ type: 'eventType', envelope: true }),
  },
}
const names = Object.keys(routers)
const topicOf = (name: string): string => `${run}.${name}.order`
const orders = [1, 2, 3].map((n) => ({
  orderId: `o-"${n}"-ü`,
  total: n,
  lines: [{ sku: 'a' }, { sku: 'b' }],
}))

beforeAll(async () => {
  outbox = await DebeziumOutbox.start(run, ['outbox', 'inbox'])
  await outbox.pool.query(
    'create table seen (group_name text, id uuid, key text, type text, total integer, correlation text)',
  )
  await outbox.createTopics(names.map(topicOf), 2)
  for (const [name, { settings }] of Object.entries(routers))
    await outbox.connect(name, `${run}.${name}.`, settings)
  for (const order of orders)
    for (const [type, body] of [
      ['order.placed', order],
      ['order.shipped', { orderId: order.orderId }],
    ] as const)
      await outbox.pool.query(
        `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, correlation_id) values ('order', $1, $2, $3, $4)`,
        [order.orderId, type, JSON.stringify(body), type === 'order.placed' ? 'c-1' : null],
      )
}, 300_000)

afterAll(() => outbox?.stop(), 60_000)

test.each(
  names.flatMap((name) =>
    Object.entries({ kafkajs, platformatic }).map(([driver, make]) => [name, driver, make] as const),
  ),
)(
  'a consumer reads what a stock router wrote: %s, with %s',
  async (name, driver, make) => {
    const { pool, brokers } = outbox
    const group = `${run}_${name}_${driver}`
    const topic = topicOf(name)
    const { format } = routers[name] ?? {}
    const note = (
      tx: { query: (text: string, values: unknown[]) => Promise<unknown> },
      ...values: readonly unknown[]
    ): Promise<unknown> => tx.query('insert into seen values ($1, $2, $3, $4, $5, $6)', [group, ...values])
    const consumer = createConsumer({
      database: pool,
      transport: make({ brokers }),
      group,
      handlers: [
        on(
          OrderPlaced,
          async ({ id, key, type, body, context }, { tx }) => {
            await note(tx, id, key, type, body.total, context.correlationId)
          },
          { topic },
        ),
        on(
          OrderShipped,
          async ({ id, key, type, context }, { tx }) => {
            await note(tx, id, key, type, null, context.correlationId)
          },
          { topic },
        ),
      ],
      ...(format && { formats: { [topic]: format } }),
    })
    await consumer.start()
    const seen = async (): Promise<unknown[]> => {
      await outbox.assertRuns(name)
      const letters = await pool.query(
        'select reason from backstitch.dead_letter where consumer_group = $1',
        [group],
      )
      if (letters.rows.length > 0) throw new Error(JSON.stringify(letters.rows))
      const { rows } = await pool.query(
        'select id, key, type, total, correlation from seen where group_name = $1 order by id',
        [group],
      )
      return rows
    }
    const { rows: wanted } = await pool.query(
      `select id, aggregateid as key, type, (payload::json ->> 'total')::integer as total, correlation_id as correlation
     from backstitch.outbox order by id`,
    )
    expect(wanted).toHaveLength(6)
    // columns that a router was not told to send are not there
    const sendsCorrelation = name !== 'renamed'
    const expected = wanted.map((row: { correlation: string | null }) =>
      sendsCorrelation ? row : { ...row, correlation: null },
    )
    try {
      await expect.poll(seen, { timeout: 60_000, interval: 200 }).toEqual(expected)
    } finally {
      await consumer.stop()
    }
  },
  120_000,
)
