import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer } from '../../../src/runtime/create-consumer.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { keptLines } from '../../unit/inbox/log-lines.ts'
import { uniqueName } from '../../support/services.ts'
import { cuttableLink } from './cuttable-link.ts'
import { serviceDatabase } from './service-database.ts'
import { publish, until, untilDrained } from './topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const topic = 'outbox.event.order'
const database = serviceDatabase()

test('a consumer waits for its database, at the start and when it goes away, and loses and repeats nothing', async () => {
  const direct = new URL(database.pool().options.connectionString!)
  const link = await cuttableLink({ host: direct.hostname, port: Number(direct.port || 5432) })
  const linked = new URL(direct)
  linked.hostname = '127.0.0.1'
  linked.port = String(link.port)
  const pool = database.newPool({ connectionString: linked.href })
  const name = uniqueName('a')
  const group = uniqueName('group')
  const transport = inMemoryTransport({ topics: { [topic]: 2 } })
  const names = Array.from({ length: 300 }, (_, n) => `${name}/${n}`)
  await publish(
    transport,
    names.map((each, n) => ({ topic, type: 'order.placed', partition: n % 2, value: { name: each } })),
  )
  const { logger, lines } = keptLines()
  let cutAt = 100
  const consumer = createConsumer({
    database: pool,
    transport,
    group,
    logger,
    handlers: [
      on(Placed, async ({ body }, { tx }) => {
        await tx.query('insert into effect (name) values ($1)', [body.name])
        if (--cutAt === 0) void link.cut()
      }),
    ],
  })
  onTestFinished(async () => {
    await consumer.stop()
    await link.cut()
  })

  const starting = consumer.start()
  await until('it to wait', () => consumer.health().state === 'failing')
  expect(consumer.health().reason).toMatch(/^database: DATABASE_UNREACHABLE/)
  await link.join()
  await starting
  await until('the link to be cut', () => cutAt <= 0)
  await until('it to wait again', () => consumer.health().state === 'failing')
  expect(consumer.health().reason).toContain('DATABASE_UNREACHABLE')
  await link.join()
  await untilDrained(transport, group, topic)

  const effects = (await database.effects()).filter((each) => each.startsWith(name))
  expect(effects.toSorted((one, other) => one.localeCompare(other))).toEqual(
    names.toSorted((one, other) => one.localeCompare(other)),
  )
  expect(
    await database.rows('select from backstitch.dead_letter where consumer_group = $1', [group]),
  ).toEqual([])
  expect(consumer.health()).toEqual({ state: 'running' })
  // One line for the start, and one for each of the two partitions.
  expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(3)
})
