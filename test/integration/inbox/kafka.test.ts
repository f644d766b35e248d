import { expect, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { newId } from '../../../src/kernel/ids.ts'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer } from '../../../src/runtime/create-consumer.ts'
import { kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../support/services.ts'
import { serviceDatabase } from './service-database.ts'
import { publish, started, until, untilDrained } from './topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const database = serviceDatabase()

test('members come and go, messages are poison or delivered twice: each takes effect once, in the order of its key', async () => {
  const topicPrefix = uniqueTopicPrefix()
  const topic = `${topicPrefix}order`
  const group = uniqueName('group')
  const transport = kafkajs({ brokers: kafkaBrokers() })
  const admin = transport.admin()
  await admin.createTopics([{ topic, partitions: 4 }])
  await admin.close()

  const member = () =>
    createConsumer({
      database: database.pool(),
      transport,
      topicPrefix,
      group,
      retry: { attemptsMax: 2, backoff: { initialMs: 5, maxMs: 5, factor: 1 } },
      handlers: [
        on(Placed, async ({ body, partition }, { tx }) => {
          if (body.name === 'poison') throw new Error('poison')
          await tx.query('insert into effect (name) values ($1)', [`${partition}/${body.name}`])
        }),
      ],
    })
  const records = Array.from({ length: 400 }, (_, n) => {
    const isBad = n % 100 === 50 || n % 100 === 60
    return {
      topic,
      type: 'order.placed',
      id: newId(),
      partition: n % 4,
      // a dead letter holds the later ones of its key
      key: isBad ? `bad ${n}` : String(n % 20),
      value: n % 100 === 50 ? { name: 'poison' } : isBad ? 'malformed' : { name: String(n) },
    }
  })
  await publish(transport, records.slice(0, 200))
  const [first, second, third] = [member(), member(), member()]
  await started(first)
  await until('the first effects', async () => (await database.effects()).length > 20)
  await started(second)
  await publish(transport, records.slice(100, 400)) // half of the first ones again
  await first.stop()
  await started(third)
  await untilDrained(transport, group, topic)

  const effects = await database.effects()
  const good = records.flatMap(({ value, partition }) =>
    typeof value === 'object' && value.name !== 'poison' ? [`${partition}/${value.name}`] : [],
  )
  expect(effects).toHaveLength(good.length)
  for (let key = 0; key < 20; key++) {
    const own = (all: readonly string[]) => all.filter((name) => Number(name.split('/')[1]) % 20 === key)
    expect(own(effects)).toEqual(own(good))
  }
  const letters = await database.rows(
    'select reason_code, count(*)::integer as count from backstitch.dead_letter where consumer_group = $1 group by 1 order by 1',
    [group],
  )
  expect(letters).toEqual([
    { reason_code: 'HANDLER_FAILED', count: 4 },
    { reason_code: 'MESSAGE_MALFORMED', count: 4 },
  ])
})

test('a consumer waits for its topic, and begins with what was there before it', async () => {
  const topicPrefix = uniqueTopicPrefix()
  const topic = `${topicPrefix}order`
  const group = uniqueName('group')
  const name = uniqueName('late')
  const transport = kafkajs({ brokers: kafkaBrokers() })
  const consumer = createConsumer({
    database: database.pool(),
    transport,
    topicPrefix,
    group,
    handlers: [
      on(Placed, async ({ body }, { tx }) => {
        await tx.query('insert into effect (name) values ($1)', [body.name])
      }),
    ],
  })
  const starting = started(consumer)
  expect(consumer.health().state).toBe('starting')
  const admin = transport.admin()
  await admin.createTopics([{ topic, partitions: 1 }])
  await admin.close()
  await publish(transport, [{ topic, type: 'order.placed', value: { name } }])
  await starting
  await untilDrained(transport, group, topic)
  expect(await database.effects()).toContain(name)
})

test('a broker that does not answer is waited for until the stop', async () => {
  const consumer = createConsumer({
    database: database.pool(),
    transport: kafkajs({ brokers: ['127.0.0.1:1'], connectionTimeoutMs: 200 }),
    group: uniqueName('group'),
    handlers: [on(Placed, () => undefined)],
  })
  const starting = consumer.start()
  await until('the health to say so', () => consumer.health().state === 'failing')
  expect(consumer.health().reason).toMatch(/^Kafka: KAFKA_UNREACHABLE/)
  await consumer.stop()
  await starting
  expect(consumer.health()).toEqual({ state: 'stopped' })
})
