import { expect, test } from 'vitest'
import { z } from 'zod'
import { type EventSubscription, on } from '../../../src/inbox/events/event-subscription.ts'
import { neverRetry, retryLater } from '../../../src/inbox/events/handler-verdict.ts'
import type { Middleware } from '../../../src/inbox/events/middleware.ts'
import { onBatch } from '../../../src/inbox/events/on-batch.ts'
import { upcast } from '../../../src/inbox/events/upcaster.ts'
import { debezium } from '../../../src/inbox/formats/debezium.ts'
import { raw } from '../../../src/inbox/formats/raw.ts'
import { deriveId } from '../../../src/kernel/ids.ts'
import { event } from '../../../src/message/event.ts'
import { type ConsumerOptions, createConsumer } from '../../../src/runtime/create-consumer.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { uniqueName } from '../../support/services.ts'
import { serviceDatabase } from './service-database.ts'
import { type Fed, publish, started, untilDrained } from './topic-feed.ts'

const V1 = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const V2 = event('order.placed', {
  version: 2,
  key: (order) => order.name,
  payload: z.object({ name: z.string(), priority: z.int() }),
})
const Billed = event('invoice.billed', {
  version: 1,
  key: (i) => i.name,
  payload: z.object({ name: z.string() }),
})
const topic = 'outbox.event.order'
const type = 'order.placed'
const database = serviceDatabase()

/** Publishes records and has a consumer of a new group handle them all. */
async function consume(
  records: readonly Fed[],
  handlers: readonly EventSubscription[],
  options: Partial<ConsumerOptions> = {},
): Promise<{ readonly ids: readonly string[]; readonly group: string }> {
  const topics = [...new Set(records.map((record) => record.topic))]
  const transport = inMemoryTransport({ topics: Object.fromEntries(topics.map((name) => [name, 1])) })
  const group = uniqueName('group')
  const ids = await publish(transport, records)
  const retry = { attemptsMax: 3, backoff: { initialMs: 1, maxMs: 2, factor: 2 } }
  const consumer = createConsumer({
    database: database.pool(),
    transport,
    group,
    handlers,
    retry,
    ...options,
  })
  await started(consumer)
  for (const name of topics) await untilDrained(transport, group, name)
  await consumer.stop()
  return { ids, group }
}

const lettersOf = (group: string) =>
  database.rows(
    'select message_id, reason_code, attempts from backstitch.dead_letter where consumer_group = $1 order by "offset"',
    [group],
  )
const effectsOf = async (prefix: string): Promise<string[]> =>
  (await database.effects()).filter((name) => name.startsWith(prefix))

test('what a batch handler sends is named after its cause, as a handler of single messages would name it', async () => {
  const name = uniqueName('batch')
  const records = Array.from({ length: 25 }, (_, n) => ({
    topic,
    type,
    key: name,
    value: { name: `${name} ${n}` },
  }))
  const batches: number[] = []
  const handler = onBatch(
    V1,
    async (messages, { tx, enqueue }) => {
      batches.push(messages.length)
      const names = messages.map(({ body }) => body.name)
      await tx.query('insert into effect (name) select * from unnest($1::text[])', [names])
      for (const message of messages) enqueue(Billed.create(message.body), { causedBy: message })
    },
    { batchSizeMax: 10 },
  )
  const { ids, group } = await consume(records, [handler])
  expect(await effectsOf(name)).toEqual(records.map(({ value }) => value.name))
  expect(Math.max(...batches)).toBeLessThanOrEqual(10)
  const rows = await database.rows(
    'select id, causation_id from backstitch.outbox where starts_with(aggregateid, $1) order by seq',
    [name],
  )
  expect(rows).toEqual(
    ids.map((id) => ({ id: deriveId(id, group, 'order.placed v1', topic, 0), causation_id: id })),
  )
})

test('of a batch only the message that fails is held back', async () => {
  const name = uniqueName('poison')
  const names = Array.from({ length: 9 }, (_, n) => `${name} ${n === 4 ? 'poison' : n}`)
  const handler = onBatch(V1, async (messages, { tx }) => {
    for (const { body } of messages) {
      await tx.query('insert into effect (name) values ($1)', [body.name])
      if (body.name.endsWith('poison')) throw new Error('poison')
    }
  })
  const { ids, group } = await consume(
    names.map((each) => ({ topic, type, value: { name: each } })),
    [handler],
  )
  expect((await effectsOf(name)).toSorted()).toEqual(names.filter((each) => !each.endsWith('poison')))
  expect(await lettersOf(group)).toEqual([{ message_id: ids[4], reason_code: 'HANDLER_FAILED', attempts: 3 }])
})

test('versions side by side reach one handler; a body that cannot be converted is a dead letter', async () => {
  const name = uniqueName('version')
  const upcaster = upcast(V1, V2, (body) => {
    if (body.name.endsWith('odd')) throw new Error('no priority')
    return { ...body, priority: 5 }
  })
  const handler = on(V2, async ({ body, version, writtenAs }, { tx }) => {
    const text = `${body.name} ${body.priority} v${version} was v${writtenAs?.version ?? version}`
    await tx.query('insert into effect (name) values ($1)', [text])
  })
  const { ids, group } = await consume(
    [
      { topic, type, value: { name: `${name} old` } },
      { topic, type, value: { name: `${name} odd` } },
      { topic, type, value: { name: `${name} new`, priority: 1 }, headers: { version: '2' } },
    ],
    [handler],
    { upcasters: [upcaster] },
  )
  expect((await effectsOf(name)).toSorted()).toEqual([`${name} new 1 v2 was v2`, `${name} old 5 v2 was v1`])
  expect(await lettersOf(group)).toEqual([{ message_id: ids[1], reason_code: 'UPCAST_FAILED', attempts: 0 }])
})

test('middleware sets the tenant of the transaction, and its error rolls back what the handler did', async () => {
  const name = uniqueName('tenant')
  const tenancy: Middleware = async ({ messages, tx }, next) => {
    await tx.query(`select set_config('app.tenant', $1, true)`, [messages[0]?.headers['tenant'] ?? 'none'])
    await next()
    if (messages[0]?.headers['tenant'] === 'blocked') throw neverRetry('the tenant is blocked')
  }
  const handler = on(V1, async ({ body }, { tx }) => {
    await tx.query(`insert into effect (name) select $1 || ' of ' || current_setting('app.tenant')`, [
      body.name,
    ])
  })
  const { ids, group } = await consume(
    ['acme', 'blocked', 'other'].map((tenant) => ({ topic, type, value: { name }, headers: { tenant } })),
    [handler],
    { middleware: [tenancy] },
  )
  expect((await effectsOf(name)).toSorted()).toEqual([`${name} of acme`, `${name} of other`])
  expect(await lettersOf(group)).toEqual([
    { message_id: ids[1], reason_code: 'HANDLER_REFUSED', attempts: 1 },
  ])
})

test('a handler refuses at once, or as often as it likes wants a message later', async () => {
  const name = uniqueName('verdict')
  const calls: string[] = []
  const handler = on(V1, async ({ body }, { tx, attempt }) => {
    calls.push(`${body.name.slice(name.length + 1)} ${attempt}`)
    if (body.name.endsWith('never')) throw neverRetry('no such customer')
    // more often than a failure would be tried
    if (body.name.endsWith('later') && calls.filter((call) => call.startsWith('later')).length < 6)
      throw retryLater('closed', { afterMs: 1 })
    await tx.query('insert into effect (name) values ($1)', [body.name])
  })
  const { ids, group } = await consume(
    ['never', 'later'].map((each) => ({ topic, type, value: { name: `${name} ${each}` } })),
    [handler],
  )
  expect(await effectsOf(name)).toEqual([`${name} later`])
  expect(await lettersOf(group)).toEqual([
    { message_id: ids[0], reason_code: 'HANDLER_REFUSED', attempts: 1 },
  ])
  expect(calls.toSorted()).toEqual([...Array<string>(6).fill('later 1'), 'never 1'])
})

test('topics of foreign producers are read by their own names, each in its format', async () => {
  const name = uniqueName('foreign')
  const [router, clouds, plain] = [uniqueName('router'), uniqueName('clouds'), uniqueName('plain')]
  const note = async (text: string, tx: Parameters<Parameters<typeof on>[1]>[1]['tx']): Promise<void> =>
    void (await tx.query('insert into effect (name) values ($1)', [text]))
  const cloud = { ce_specversion: '1.0', ce_type: type, ce_source: '/shop', ce_id: 'e-1' }
  await consume(
    [
      { topic: router, id: null, value: JSON.stringify({ name: `${name} router` }), headers: { kind: type } },
      { topic: clouds, id: null, key: 'k', value: { name: `${name} cloud` }, headers: cloud },
      { topic: clouds, id: null, key: 'k', value: { name: `${name} cloud again` }, headers: cloud },
      { topic: plain, id: null, value: Buffer.from(`${name} plain`), headers: { id: '17' } },
    ],
    [router, clouds, plain].map((own) => on(V1, ({ body }, { tx }) => note(body.name, tx), { topic: own })),
    {
      formats: {
        [router]: debezium({ type: 'kind' }),
        [plain]: raw({ decode: (bytes) => ({ name: String(bytes) }) }),
      },
    },
  )
  expect((await effectsOf(name)).toSorted()).toEqual([`${name} cloud`, `${name} plain`, `${name} router`])
})

test('a handler chooses whether the later messages of a key wait for one that fails', async () => {
  const name = uniqueName('order')
  const records = ['poison', 'later'].flatMap((each) =>
    ['key', 'none'].map((order) => ({
      topic: order,
      type,
      key: `${name} ${order}`,
      value: { name: `${name} ${order} ${each}` },
    })),
  )
  const handlers = (['key', 'none'] as const).map((order) =>
    on(
      V1,
      async ({ body }, { tx }) => {
        if (body.name.endsWith('poison')) throw neverRetry('poison')
        await tx.query('insert into effect (name) values ($1)', [body.name])
      },
      { topic: order, order },
    ),
  )
  const { ids, group } = await consume(records, handlers)
  expect(await effectsOf(name)).toEqual([`${name} none later`])
  const codes = (await lettersOf(group)).map((letter) => [letter['message_id'], letter['reason_code']])
  expect(new Map(codes as [string, string][])).toEqual(
    new Map([
      [ids[0], 'HANDLER_REFUSED'],
      [ids[1], 'HANDLER_REFUSED'],
      [ids[2], 'KEY_HELD'],
    ]),
  )
})

test('a handler that changes its message gets it as it came at the next try, alone and in a batch', async () => {
  const name = uniqueName('changed')
  const change = (body: { name: string }): string => (body.name += '!')
  const single = on(
    V1,
    async ({ body }, { tx, attempt }) => {
      await tx.query('insert into effect (name) values ($1)', [change(body)])
      if (attempt === 1) throw new Error('not yet')
    },
    { topic: 'single' },
  )
  const batch = onBatch(
    V1,
    async (messages, { tx }) => {
      for (const { body } of messages) await tx.query('insert into effect (name) values ($1)', [change(body)])
      if (messages.length > 1) throw new Error('one by one')
    },
    { topic: 'batch' },
  )
  await consume(
    ['single', ...Array<string>(5).fill('batch')].map((to, n) => ({
      topic: to,
      type,
      value: { name: `${name} ${n}` },
    })),
    [single, batch],
  )
  expect((await effectsOf(name)).toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${name} ${n}!`))
})
