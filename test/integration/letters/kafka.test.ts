import { expect, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import { newId } from '../../../src/kernel/ids.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer } from '../../../src/runtime/create-consumer.ts'
import { createLetterOperator } from '../../../src/runtime/operators/letter-operator.ts'
import { kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../support/services.ts'
import { serviceDatabase } from '../inbox/service-database.ts'
import { publish, started, until, untilDrained } from '../inbox/topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const service = serviceDatabase({ max: 12 })

test('poison holds back its key alone; after a fix and a redrive it takes effect once and in its key’s order, on a real broker', async () => {
  const topicPrefix = uniqueTopicPrefix()
  const topic = `${topicPrefix}order`
  const group = uniqueName('group')
  const transport = kafkajs({ brokers: kafkaBrokers() })
  const admin = transport.admin()
  await admin.createTopics([{ topic, partitions: 2 }])
  await admin.close()
  let isFixed = false
  const member = () =>
    createConsumer({
      database: service.pool(),
      transport,
      topicPrefix,
      group,
      retry: { attemptsMax: 2, backoff: { initialMs: 5, maxMs: 5, factor: 1 } },
      handlers: [
        on(Placed, async ({ body: { name } }, { tx }) => {
          await tx.query('insert into effect (name) values ($1)', [name])
          if (name.startsWith('bad-0') && !isFixed) throw new Error('not fixed yet')
        }),
      ],
    })
  const message = (key: string, n: number, id = newId()) => ({
    topic,
    type: 'order.placed',
    partition: Number(key.endsWith('1')),
    key,
    id,
    value: { name: `${key}-${n}` },
  })
  const waves = [0, 1, 2].map((wave) =>
    Array.from({ length: 20 }, (_, n) =>
      ['bad-0', 'bad-1', 'good-0', 'good-1'].map((key) => message(key, wave * 20 + n)),
    ).flat(),
  )
  const [first = [], second = [], third = []] = waves
  // bad-1 is poison too, by another name
  for (const wave of [first, second, third])
    for (const { key, value } of wave)
      if (key === 'bad-1') value.name = value.name.replace('bad-1', 'bad-0/1')
  const leaving = member()
  await started(leaving, member())
  await publish(transport, first)
  await until('the first poison', async () => (await operator().list({ group })).length > 0)
  await publish(transport, [...first.slice(20), ...second]) // some of them once more
  await leaving.stop()
  await untilDrained(transport, group, topic)

  const namesOf = (wave: typeof first, good: boolean) =>
    wave.filter(({ key }) => key.startsWith('good') === good).map(({ value }) => value.name)
  expect((await service.effects()).toSorted()).toEqual(
    [...namesOf(first, true), ...namesOf(second, true)].toSorted(),
  )
  expect(await operator().list({ group, state: 'dead' })).toMatchObject([
    { code: 'HANDLER_FAILED', isHead: true },
    { code: 'HANDLER_FAILED', isHead: true },
  ])
  expect(await operator().list({ group, limit: 1_000 })).toHaveLength(80)

  isFixed = true
  await started(member())
  const redriving = operator().redrive({ filter: { group } }, { actor: 'ann', reason: 'fixed' })
  await publish(transport, [...second.slice(0, 10), ...third]) // while it goes on
  await redriving
  await untilDrained(transport, group, topic)
  await until('the letters to be handled', async () => (await operator().list({ group })).length === 0)

  const effects = await service.effects()
  const all = [...first, ...second, ...third].map(({ value }) => value.name)
  expect(effects.toSorted()).toEqual(all.toSorted())
  for (const key of ['bad-0-', 'bad-0/1-', 'good-0-', 'good-1-'])
    expect(effects.filter((name) => name.startsWith(key))).toEqual(all.filter((name) => name.startsWith(key)))
  expect(await service.rows('select from backstitch.dead_letter_key')).toEqual([])
})

function operator() {
  return createLetterOperator({ database: service.pool() })
}
