import { expect, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { deriveId, newId } from '../../../src/kernel/ids.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer, type ConsumerOptions } from '../../../src/runtime/create-consumer.ts'
import { createOutbox } from '../../../src/runtime/create-outbox.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { keptLines } from '../../unit/inbox/log-lines.ts'
import { uniqueName } from '../../support/services.ts'
import { serviceDatabase } from './service-database.ts'
import { publish, started, untilDrained } from './topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const Billed = event('invoice.billed', {
  version: 1,
  key: (invoice) => invoice.name,
  payload: z.object({ name: z.string() }),
})
const topic = 'outbox.event.order'
const type = 'order.placed'
const quick = { attemptsMax: 3, backoff: { initialMs: 1, maxMs: 2, factor: 2 } }
const database = serviceDatabase()

/** Notes the name of its message as an effect. */
const noting = on(Placed, async ({ body }, { tx }) => {
  await tx.query('insert into effect (name) values ($1)', [body.name])
})

function consumer(options: Partial<ConsumerOptions> & Pick<ConsumerOptions, 'transport'>) {
  return createConsumer({
    database: database.pool(),
    group: uniqueName('group'),
    handlers: [noting],
    retry: quick,
    ...options,
  })
}

const named = (names: readonly string[], id?: string) =>
  names.map((name) => ({ topic, type, value: { name }, key: name, ...(id !== undefined && { id }) }))

async function effectsOf(prefix: string): Promise<string[]> {
  return (await database.effects()).filter((name) => name.startsWith(prefix))
}

test('each message takes effect once per group, however often it is delivered', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const again = inMemoryTransport({ topics: { [topic]: 1 } })
  const [one, two] = [uniqueName('one'), uniqueName('two')]
  const [id] = await publish(transport, named([name]))
  await publish(transport, named([name, name], id))
  // Another topic of that name: the offsets of the group are lost, and all is delivered again.
  await publish(again, named([name, name], id))
  await started(consumer({ transport, group: one }), consumer({ transport, group: two }))
  await untilDrained(transport, one, topic)
  await untilDrained(transport, two, topic)
  await started(consumer({ transport: again, group: one }))
  await untilDrained(again, one, topic)
  expect(await effectsOf(name)).toEqual([name, name])
})

test('a handler that throws leaves nothing, and is tried again', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const group = uniqueName('group')
  const seen: number[] = []
  const failing = on(Placed, async ({ body }, { tx, enqueue, attempt }) => {
    seen.push(attempt)
    await tx.query('insert into effect (name) values ($1)', [body.name])
    await createOutbox({ service: 'test' }).enqueue(tx, Billed.create({ name: body.name }))
    enqueue(Billed.create({ name: body.name }))
    if (attempt < 3) throw new Error('not yet')
  })
  await publish(transport, named([name]))
  await started(consumer({ transport, group, handlers: [failing] }))
  await untilDrained(transport, group, topic)
  expect(seen).toEqual([1, 2, 3])
  expect(await effectsOf(name)).toEqual([name])
  expect(await database.rows('select from backstitch.outbox where aggregateid = $1', [name])).toHaveLength(2)
  expect(
    await database.rows('select from backstitch.dead_letter where consumer_group = $1', [group]),
  ).toEqual([])
})

test('what a handler sends has derived ids, and names its cause (A8)', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const [one, two] = [uniqueName('one'), uniqueName('two')]
  const sending = on(Placed, ({ body }, { enqueue }) => {
    enqueue([Billed.create({ name: body.name }), Billed.create({ name: body.name })])
  })
  const [id] = await publish(transport, [
    {
      ...named([name])[0]!,
      headers: {
        'correlation-id': 'c1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    },
  ])
  await started(...[one, two].map((group) => consumer({ transport, group, handlers: [sending] })))
  await untilDrained(transport, one, topic)
  await untilDrained(transport, two, topic)
  const rows = await database.rows(
    'select id, causation_id, correlation_id, traceparent, payload from backstitch.outbox where aggregateid = $1',
    [name],
  )
  const expected = [one, two].flatMap((group) =>
    [0, 1].map((ordinal) => deriveId(id!, group, 'order.placed v1', topic, ordinal)),
  )
  expect(new Set(rows.map((row) => row['id']))).toEqual(new Set(expected))
  expect(rows).toHaveLength(4)
  for (const row of rows)
    expect(row).toMatchObject({
      causation_id: id,
      correlation_id: 'c1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      payload: JSON.stringify({ name }),
    })
})

test('malformed records and poison are dead letters with all their bytes, and the partition goes on', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const group = uniqueName('group')
  const { logger, lines } = keptLines()
  const handler = on(Placed, async ({ body }, { tx }) => {
    await tx.query('insert into effect (name) values ($1)', [body.name])
    if (body.name.endsWith('poison')) await tx.query('select 1 / 0')
  })
  const raw = Buffer.from([0x7b, 0x00, 0xff, 0xfe])
  const ids = await publish(transport, [
    { topic, type, value: raw, key: 'raw', headers: { note: 'nul \0 in it', plain: 'grüße' } },
    { topic, type, value: { name: 5 } },
    { topic, type, value: { name }, id: 'no uuid' },
    { topic, type, value: { name: `${name}poison` } },
    { topic, type: 'order.cancelled', value: 'not for us' },
    { topic, type, value: { name } },
  ])
  await started(consumer({ transport, group, handlers: [handler], logger }))
  await untilDrained(transport, group, topic)

  expect(await effectsOf(name)).toEqual([name])
  const letters = await database.rows(
    `select message_id, partition, "offset", message_key, type, headers, payload, reason_code, reason, stack, attempts
     from backstitch.dead_letter where consumer_group = $1 order by "offset"`,
    [group],
  )
  expect(letters).toMatchObject([
    { message_id: ids[0], offset: '0', type, reason_code: 'MESSAGE_MALFORMED', attempts: 0, payload: raw },
    { message_id: ids[1], offset: '1', type, reason_code: 'MESSAGE_MALFORMED', attempts: 0 },
    { offset: '2', type, reason_code: 'MESSAGE_MALFORMED', attempts: 0 },
    {
      message_id: ids[3],
      offset: '3',
      type,
      reason_code: 'HANDLER_FAILED',
      attempts: 1,
      reason: 'division by zero',
    },
  ])
  expect(letters[0]?.['message_key']).toEqual(Buffer.from('raw'))
  expect(letters[0]?.['headers']).toEqual([
    { name: 'id', text: ids[0] },
    { name: 'type', text: type },
    { name: 'note', base64: Buffer.from('nul \0 in it').toString('base64') },
    { name: 'plain', text: 'grüße' },
  ])
  expect(letters[1]?.['reason']).toContain('name: ')
  expect(letters[3]?.['stack']).toContain('division by zero')
  expect(lines.filter(({ message }) => message === 'put a message among the dead letters')).toHaveLength(4)
})

test('a dead letter’s message that comes again stays dead', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const group = uniqueName('group')
  let calls = 0
  const failing = on(Placed, () => {
    calls += 1
    throw new Error('x')
  })
  const [id] = await publish(transport, named([name]))
  await publish(transport, named([name], id))
  await started(consumer({ transport, group, handlers: [failing] }))
  await untilDrained(transport, group, topic)
  expect(calls).toBe(3)
  expect(
    await database.rows('select from backstitch.dead_letter where consumer_group = $1', [group]),
  ).toHaveLength(1)
})

test('a handler that swallows the error of a statement does not lose its message', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const group = uniqueName('group')
  const swallowing = on(Placed, async ({ body }, { tx, attempt }) => {
    await tx.query('insert into effect (name) values ($1)', [body.name])
    if (attempt === 1) await tx.query('select 1 / 0').catch(() => undefined)
  })
  await publish(transport, named([name]))
  await started(consumer({ transport, group, handlers: [swallowing] }))
  await untilDrained(transport, group, topic)
  expect(await effectsOf(name)).toEqual([name])
})

test('partitions are handled at the same time, each in order', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 4 } })
  const group = uniqueName('group')
  let running = 0
  const together = Promise.withResolvers<void>()
  const handler = on(Placed, async ({ body, partition }, { tx }) => {
    running += 1
    if (running === 4) together.resolve()
    await together.promise // would never end if one waited for the other
    await tx.query('insert into effect (name) values ($1)', [`${body.name}/${partition}`])
  })
  await publish(
    transport,
    [0, 1, 2, 3].flatMap((partition) =>
      ['x', 'y'].map((suffix) => ({ topic, type, value: { name: name + suffix }, partition, key: 'k' })),
    ),
  )
  await started(consumer({ transport, group, handlers: [handler] }))
  await untilDrained(transport, group, topic)
  const effects = await effectsOf(name)
  expect(effects).toHaveLength(8)
  for (const partition of [0, 1, 2, 3])
    expect(effects.filter((effect) => effect.endsWith(`/${partition}`))).toEqual([
      `${name}x/${partition}`,
      `${name}y/${partition}`,
    ])
})

test('records of Debezium’s router and of foreign producers are applied once too', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const group = uniqueName('group')
  const id = newId()
  await publish(transport, [
    { topic, key: 'k', id, value: { name: `${name}debezium` } },
    { topic, key: 'k', id, value: { name: `${name}debezium` } },
    { topic, key: 'k', id: null, value: { name: `${name}foreign` } },
  ])
  await started(consumer({ transport, group }))
  await untilDrained(transport, group, topic)
  expect(await effectsOf(name)).toEqual([`${name}debezium`, `${name}foreign`])
})

test('a stop lets the message in hand finish, and begins no other', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const group = uniqueName('group')
  const begun = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const handler = on(Placed, async ({ body }, { tx }) => {
    await tx.query('insert into effect (name) values ($1)', [body.name])
    begun.resolve()
    await finish.promise
  })
  await publish(
    transport,
    named([`${name}1`, `${name}2`]).map((record) => ({ ...record, key: 'k' })),
  )
  const part = consumer({ transport, group, handlers: [handler] })
  await part.start()
  await begun.promise
  const stopped = part.stop()
  finish.resolve()
  await stopped
  expect(await effectsOf(name)).toEqual([`${name}1`])
  expect(await transport.admin().groupOffsets(group, topic)).toEqual([1n])
  expect(part.health()).toEqual({ state: 'stopped' })
})

test('past its deadline a stop rolls the message in hand back, and the next owner has it', async () => {
  const name = uniqueName('a')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const group = uniqueName('group')
  const begun = Promise.withResolvers<void>()
  const stuck = on(Placed, async ({ body }, { tx }) => {
    await tx.query('insert into effect (name) values ($1)', [body.name])
    begun.resolve()
    await new Promise(() => undefined)
  })
  await publish(transport, named([name]))
  const part = consumer({ transport, group, handlers: [stuck], stopDeadlineMs: 20 })
  await part.start()
  await begun.promise
  await part.stop()
  expect(await effectsOf(name)).toEqual([])
  await started(consumer({ transport, group }))
  await untilDrained(transport, group, topic)
  expect(await effectsOf(name)).toEqual([name])
})

test('missing tables end the start with what to do', async () => {
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  await expect(consumer({ transport, schema: 'elsewhere' }).start()).rejects.toMatchObject({
    code: 'SCHEMA_MISSING',
  })
})

test.each([
  ['no handler', { handlers: [] }],
  ['an empty group', { group: '' }],
  ['no attempt', { retry: { ...quick, attemptsMax: 0 } }],
  ['two handlers of one contract', { handlers: [noting, noting] }],
])('%s is refused when it is made', (_, options) => {
  const transport = inMemoryTransport()
  expect(() => consumer({ transport, ...options })).toThrow(/^CONFIG_INVALID/)
})
