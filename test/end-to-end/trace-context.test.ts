import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../src/inbox/events/event-subscription.ts'
import { kafkajs } from '../../src/kafka/kafkajs/index.ts'
import type { ProcessPart } from '../../src/kernel/lifecycle.ts'
import { command } from '../../src/message/command.ts'
import { event } from '../../src/message/event.ts'
import type { MessageContext } from '../../src/message/message.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { createConsumer } from '../../src/runtime/create-consumer.ts'
import { createOrchestrator } from '../../src/runtime/create-orchestrator.ts'
import { createOutbox } from '../../src/runtime/create-outbox.ts'
import { createParticipant } from '../../src/runtime/create-participant.ts'
import { createRelay } from '../../src/runtime/create-relay.ts'
import { saga } from '../../src/runtime/saga.ts'
import { applyTopics } from '../../src/runtime/topics.ts'
import { handle } from '../../src/saga/participant/command-handler.ts'
import { createDatabase, kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../support/services.ts'

const Order = z.object({ orderId: z.string() })
const key = (order: { orderId: string }): string => order.orderId
const Placed = event('order.placed', { version: 1, key, payload: Order })
const Noted = event('order.noted', { version: 1, key, payload: Order })
const Reserve = command('stock.reserve', { version: 1, key, request: Order, ok: z.object({}) })
const Ship = command('shipping.ship', { version: 1, key, request: Order, ok: z.object({}) })

const trace = (n: number): string => `00-${String(n).padStart(32, '0')}-b7ad6b7169203331-01`

test('the trace of a writer reaches the handler, what the handler sends, the saga that it starts, its commands and its replies', async () => {
  const topicPrefix = uniqueTopicPrefix()
  const transport = kafkajs({ brokers: kafkaBrokers() })
  const name = uniqueName('place-order').replaceAll('_', '-')
  const placeOrder = saga(name, { version: 1, input: Order, key })
    .pivot('reserve', { send: Reserve, with: ({ input }) => input })
    .retriable('ship', { send: Ship, with: ({ input }) => input })
    .build()
  await applyTopics({ transport, contracts: [Placed], sagas: [placeOrder], topicPrefix, partitions: 1 })
  const { url } = await createDatabase({
    migrate: async (database) =>
      void (await migrate({ database, parts: ['outbox', 'inbox', 'participant', 'saga', 'timer'] })),
  })
  const database = new Pool({ connectionString: url, max: 10 })

  let current: string | undefined
  const tracer = createOutbox({
    service: 'orders',
    traceContext: () => ({ traceparent: current ?? 'none', tracestate: 'shop=1' }),
  })
  const plain = createOutbox({ service: 'notes' })
  const seen: { readonly at: string; readonly orderId: string; readonly trace: unknown }[] = []
  const see = (at: string, orderId: string, { traceparent, tracestate }: MessageContext) =>
    void seen.push({ at, orderId, trace: { traceparent, tracestate } })

  const around = { database, transport, topicPrefix }
  const parts: ProcessPart[] = [
    createRelay({ databases: [database], transport, topicPrefix }),
    createConsumer({
      ...around,
      group: uniqueName('shop'),
      handlers: [
        on(Placed, async ({ body, context }, { tx, enqueue }) => {
          see('placed', body.orderId, context)
          await placeOrder.start(tx, body)
          enqueue(Noted.create({ orderId: `${body.orderId}-by-handler` }))
          await plain.enqueue(tx, Noted.create({ orderId: `${body.orderId}-by-outbox` }))
        }),
        on(Noted, ({ body, context }) => see('noted', body.orderId, context)),
      ],
    }),
    createOrchestrator({ ...around, sagas: [placeOrder] }),
    ...['stock', 'shipping'].map((service) =>
      createParticipant({
        ...around,
        service,
        group: uniqueName(service),
        handlers: [
          handle(service === 'stock' ? Reserve : Ship, ({ orderId }, { message, ok }) => {
            see(service, orderId, message.context)
            return ok({})
          }),
        ],
      }),
    ),
  ]
  onTestFinished(async () => {
    await Promise.all(parts.map((part) => part.stop()))
    await database.end()
  })
  await Promise.all(parts.map((part) => part.start()))

  const place = async (orderId: string, traceparent: string | undefined): Promise<void> => {
    current = traceparent
    const client = await database.connect()
    await client.query('begin')
    await tracer.enqueue(client, Placed.create({ orderId }))
    await client.query('commit')
    client.release()
  }
  await place('o-1', trace(1))
  await place('o-2', trace(2))
  await place('o-3', undefined) // the tracer says nonsense
  const malformed = `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, traceparent, tracestate)
    values ('order', 'o-4', 'order.placed', '{"orderId":"o-4"}', 'nonsense', 'a=1')`
  await database.query(malformed)

  const endsAtMs = performance.now() + 40_000
  while (seen.length < 4 * 5) {
    if (performance.now() > endsAtMs) throw new Error(`not all came: ${JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const expectedAt = ['noted', 'noted', 'placed', 'shipping', 'stock']
  for (const [order, expected] of [
    ['o-1', { traceparent: trace(1), tracestate: 'shop=1' }],
    ['o-2', { traceparent: trace(2), tracestate: 'shop=1' }],
    ['o-3', {}],
    ['o-4', {}],
  ] as const) {
    const mine = seen.filter(({ orderId }) => orderId.startsWith(order))
    expect(mine.map(({ at }) => at).toSorted()).toEqual(expectedAt)
    for (const { at, trace } of mine) expect({ at, trace }).toEqual({ at, trace: expected })
  }
  const { rows } = await database.query<{ n: number }>(
    `select count(*)::integer as n from backstitch.outbox
     where type like '%.reply' and traceparent = any ($1) and tracestate = 'shop=1'`,
    [[trace(1), trace(2)]],
  )
  expect(rows, 'two replies of each traced saga carry its trace').toEqual([{ n: 4 }])
})
