import { Kafka } from 'kafkajs'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { onBatch } from '../../../src/inbox/events/on-batch.ts'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import { platformatic } from '../../../src/kafka/platformatic/index.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer } from '../../../src/runtime/create-consumer.ts'
import { kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../support/services.ts'
import { type BadRecord, badRecords } from './bad-records.ts'
import { serviceDatabase } from './service-database.ts'
import { untilDrained } from './topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const type = ['type', 'order.placed'] as const
const database = serviceDatabase()
const topicPrefix = uniqueTopicPrefix()
const topic = `${topicPrefix}order`
const cases = Object.entries(badRecords)
const effectOf = (group: string, { name }: { name: string }): string => `${group} ${name}`
const handlers = {
  'one at a time': (group: string) =>
    on(Placed, async ({ body }, { tx }) => {
      await tx.query('insert into effect (name) values ($1)', [effectOf(group, body)])
    }),
  'in batches': (group: string) =>
    onBatch(Placed, async (messages, { tx }) => {
      const names = messages.map(({ body }) => effectOf(group, body))
      await tx.query('insert into effect (name) select * from unnest($1::text[])', [names])
    }),
}
const drivers = { kafkajs, platformatic }
const consumers = Object.entries(drivers).flatMap(([name, driver]) =>
  Object.entries(handlers).map(([how, handler]) => [name, how, driver, handler] as const),
)

/** By its own rules: both drivers of ours would refuse to send some of it. */
beforeAll(async () => {
  const kafka = new Kafka({ brokers: kafkaBrokers(), logLevel: 0 })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [
      {
        topic,
        numPartitions: 1,
        configEntries: [
          { name: 'message.timestamp.after.max.ms', value: String(2n ** 63n - 1n) },
          { name: 'max.message.bytes', value: '2000000' },
          { name: 'retention.ms', value: '-1' },
        ],
      },
    ],
  })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  for (const [n, [, record]] of cases.entries()) {
    if (record.timestampMs === undefined) await publishNow(record, `k${n}`)
    else {
      const { value, key = `k${n}`, timestampMs } = record
      const message = { key, value, headers: Object.fromEntries([type]), timestamp: String(timestampMs) }
      await producer.send({ topic, messages: [message] })
    }
    await publishNow({ value: JSON.stringify({ name: `after ${n}` }), becomes: 'nothing' }, `after ${n}`)
  }
  await producer.disconnect()
})

async function publishNow(record: BadRecord, defaultKey: string): Promise<void> {
  const { value, key = defaultKey, headers = [type], compression } = record
  const publisher = platformatic({ brokers: kafkaBrokers(), ...(compression && { compression }) }).publisher()
  await publisher.open()
  const result = await publisher.publish([{ topic, partition: 0, key, value, headers }], {
    deadlineMs: 10_000,
  })
  await publisher.close()
  expect(result).toEqual({ kind: 'acknowledged' })
}

type Letter = {
  readonly offset: string
  readonly reason_code: string
  readonly message_key: Buffer | null
  readonly payload: Buffer | null
  readonly headers: readonly { readonly name: string; readonly text?: string; readonly base64?: string }[]
}

describe.each(consumers)('with %s, %s', (name, _how, driver, handler) => {
  const group = uniqueName(name)
  let letters: ReadonlyMap<number, Letter>
  let effects: readonly string[]

  beforeAll(async () => {
    const transport = driver({ brokers: kafkaBrokers() })
    const consumer = createConsumer({
      database: database.pool(),
      transport,
      topicPrefix,
      group,
      retry: { attemptsMax: 2, backoff: { initialMs: 1, maxMs: 1, factor: 1 } },
      handlers: [handler(group)],
    })
    await consumer.start()
    try {
      await untilDrained(transport, group, topic)
      expect(consumer.health()).toEqual({ state: 'running' })
    } finally {
      await consumer.stop()
    }
    const rows = await database.rows<Letter>(
      'select * from backstitch.dead_letter where consumer_group = $1',
      [group],
    )
    letters = new Map(rows.map((row) => [Number(row.offset), row]))
    effects = (await database.effects())
      .filter((effect) => effect.startsWith(`${group} `))
      .map((effect) => effect.slice(group.length + 1))
  })

  test.each(cases.map(([what, { becomes }], n) => [what, n, becomes] as const))('%s', (what, n, becomes) => {
    const letter = letters.get(2 * n)
    if (becomes !== 'nothing' && 'letter' in becomes) {
      expect(letter?.reason_code).toBe(becomes.letter)
      const { key = `k${n}`, value } = badRecords[what] as BadRecord
      expect(letter?.message_key).toEqual(key === null ? null : Buffer.from(key))
      expect(letter?.payload).toEqual(value === null ? null : Buffer.from(value))
    } else {
      expect(letter).toBeUndefined()
      if (becomes !== 'nothing') expect(effects.filter((effect) => effect === becomes.effect)).toHaveLength(1)
    }
  })

  test('what comes after each is handled, once, and nothing else is', () => {
    const own = cases.flatMap(([, { becomes }]) =>
      becomes !== 'nothing' && 'effect' in becomes ? [becomes.effect] : [],
    )
    const after = cases.map((_, n) => `after ${n}`)
    expect(effects.toSorted()).toEqual([...own, ...after].toSorted())
    expect(letters.size).toBe(
      cases.length - own.length - cases.filter(([, { becomes }]) => becomes === 'nothing').length,
    )
  })
})
