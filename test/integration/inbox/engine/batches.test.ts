import { expect, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import { onBatch } from '../../../../src/inbox/events/on-batch.ts'
import { newId } from '../../../../src/kernel/ids.ts'
import { event } from '../../../../src/message/event.ts'
import { createConsumer, type ConsumerOptions } from '../../../../src/runtime/create-consumer.ts'
import { inMemoryTransport } from '../../../../src/transport/in-memory-transport.ts'
import { uniqueName } from '../../../support/services.ts'
import { serviceDatabase } from '../service-database.ts'
import { publish, started, untilDrained } from '../topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const topic = 'outbox.event.order'
const type = 'order.placed'
const database = serviceDatabase()

function consumer(
  options: Partial<ConsumerOptions> & Pick<ConsumerOptions, 'transport' | 'handlers' | 'group'>,
) {
  return createConsumer({
    database: database.newPool({ pipeline: true }),
    retry: { attemptsMax: 2, backoff: { initialMs: 1, maxMs: 2, factor: 2 } },
    ...options,
  })
}

test('batches apply each message once, in the order of its key; of one that fails only the poison is left', async () => {
  const prefix = uniqueName('a')
  const group = uniqueName('group')
  const transport = inMemoryTransport({ topics: { [topic]: 3 } })
  const sizes: number[] = []
  const handler = onBatch(
    Placed,
    async (messages, { tx }) => {
      sizes.push(messages.length)
      const names = messages.map(({ body }) => body.name)
      await tx.query('insert into effect (name) select name from unnest($1::text[]) as name', [names])
      if (names.some((name) => name.endsWith('poison'))) throw new Error('poison')
    },
    { batchSizeMax: 50 },
  )
  const keys = 20
  const record = (name: string, key: string, partition: number) => ({
    topic,
    type,
    id: newId(),
    key,
    partition,
    value: { name: `${prefix} ${name}` },
  })
  const records = [
    ...Array.from({ length: 1_400 }, (_, n) => record(`k${n % keys} ${n}`, `k${n % keys}`, (n % keys) % 2)),
    ...Array.from({ length: 100 }, (_, n) => record(n === 70 ? 'poison' : `single ${n}`, `single ${n}`, 2)),
  ]
  await publish(transport, records)
  await publish(transport, records.slice(300, 600)) // once more
  await started(consumer({ transport, group, handlers: [handler] }))
  await untilDrained(transport, group, topic)

  const effects = (await database.effects()).filter((name) => name.startsWith(prefix))
  expect(effects).toHaveLength(1_499)
  for (let key = 0; key < keys; key++) {
    const own = effects.filter((name) => name.startsWith(`${prefix} k${key} `))
    expect(own.map((name) => Number(name.split(' ')[2]))).toEqual(
      Array.from({ length: 70 }, (_, n) => n * keys + key),
    )
  }
  expect(Math.max(...sizes)).toBe(50)
  expect(sizes.filter((size) => size === 1).length).toBeGreaterThanOrEqual(50) // those of the batch that failed
  expect(
    await database.rows('select reason, attempts from backstitch.dead_letter where consumer_group = $1', [
      group,
    ]),
  ).toEqual([{ reason: 'poison', attempts: 2 }])
})

test('what is claimed behind a begin that fails is not claimed', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const pool = database.newPool({ max: 1, pipeline: true })
  let begins = 0
  // The begin is cancelled; the claim is on its way behind it.
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...all: unknown[]) => unknown
    client.query = ((...args: unknown[]) => {
      const isBegin = typeof args[0] === 'string' && args[0].includes('backstitch.began')
      if (isBegin && ++begins <= 3)
        return Promise.reject(
          Object.assign(new Error('canceling statement due to user request'), {
            code: '57014',
            severity: 'ERROR',
          }),
        )
      return query(...args)
    }) as typeof client.query
  })
  await publish(transport, [{ topic, type, value: { name } }])
  let calls = 0
  const handler = on(Placed, async ({ body }, { tx }) => {
    calls += 1
    await tx.query('insert into effect (name) values ($1)', [body.name])
  })
  await started(consumer({ transport, group, handlers: [handler], database: pool }))
  await untilDrained(transport, group, topic)
  expect(begins).toBeGreaterThan(3)
  expect(calls).toBe(1)
  expect((await database.effects()).filter((each) => each === name)).toEqual([name])
  expect(
    await database.rows('select from backstitch.dead_letter where consumer_group = $1', [group]),
  ).toEqual([])
})
