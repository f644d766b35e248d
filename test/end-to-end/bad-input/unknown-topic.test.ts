import { expect, test } from 'vitest'
import { outboxVerb } from './world/outbox-verbs.ts'
import { TopicReader } from './world/topic-reader.ts'
import { World } from './world/world.ts'

const payload = (n: number): string => `{"n":${n}}`

test('rows for a topic that does not exist wait in the quarantine while others flow, and are published in order once it exists', async () => {
  const world = await World.open()
  await world.createTopics('order')
  const relay = world.relay()
  await relay.start()
  await world.insert(
    { aggregateType: 'invoice', key: 'i-1', payload: payload(1) },
    { key: 'o-1', payload: payload(1) },
    { aggregateType: 'invoice', key: 'i-2', payload: payload(1) },
    { aggregateType: 'invoice', key: 'i-1', payload: payload(2) },
    { key: 'o-1', payload: payload(2) },
  )
  await (await TopicReader.of(world.topicOf('order'))).holds('o-1', [payload(1), payload(2)])
  const parked = async (): Promise<unknown[]> =>
    (
      await world.pool.query(
        'select topic, aggregateid, payload, reason_code, reason from backstitch.outbox_quarantine order by seq',
      )
    ).rows
  const topic = world.topicOf('invoice')
  const row = (aggregateid: string, n: number) => ({
    topic,
    aggregateid,
    payload: payload(n),
    reason_code: 'OUTBOX_TOPIC_UNKNOWN',
    reason: `the topic "${topic}" does not exist`,
  })
  await expect.poll(parked, { timeout: 10_000 }).toEqual([row('i-1', 1), row('i-2', 1), row('i-1', 2)])
  expect(await world.log.says({ code: 'OUTBOX_TOPIC_UNKNOWN' })).toMatchObject({
    level: 'warn',
    topic,
    msg: 'a topic is parked: its rows wait until it can be written to',
  })
  expect(relay.status()).toMatchObject([{ database: 'shop', parkedKeys: 0, parkedTopics: [topic] }])

  // a relay that starts anew knows of it
  await relay.stop()
  const next = world.relay()
  await next.start()
  await world.insert({ aggregateType: 'invoice', key: 'i-1', payload: payload(3) })
  await expect.poll(() => next.status()[0]?.parkedTopics, { timeout: 10_000 }).toEqual([topic])

  await world.createTopics({ aggregateType: 'invoice', partitions: 3 })
  const reader = await TopicReader.of(topic)
  await reader.holds('i-1', [payload(1), payload(2), payload(3)])
  await reader.holds('i-2', [payload(1)])
  await expect.poll(parked, { timeout: 10_000 }).toEqual([])
  await world.log.says({ msg: 'a parked topic flows again', topic })
  await world.insert({ aggregateType: 'invoice', key: 'i-1', payload: payload(4) })
  await reader.holds('i-1', [payload(1), payload(2), payload(3), payload(4)])
  expect(next.status()).toMatchObject([{ parkedTopics: [] }])
})

test('an aggregate type that gives no name of a topic at all holds back its own rows only, and can be skipped', async () => {
  const world = await World.open()
  await world.createTopics('order')
  const relay = world.relay()
  await relay.start()
  await world.insert(
    { aggregateType: 'no topic: ü', key: 'x', payload: payload(1) },
    { key: 'o-1', payload: payload(1) },
  )
  await (await TopicReader.of(world.topicOf('order'))).holds('o-1', [payload(1)])
  const reasons = async (): Promise<unknown[]> =>
    (await world.pool.query('select reason_code, reason from backstitch.outbox_quarantine')).rows
  await expect.poll(reasons, { timeout: 10_000 }).toEqual([
    {
      reason_code: 'OUTBOX_TOPIC_UNKNOWN',
      reason: `"${world.topicOf('no topic: ü')}" is no name that Kafka allows`,
    },
  ])
  await outboxVerb(world, 'skip', '--topic', world.topicOf('no topic: ü'), '--reason', 'a test')
  await expect.poll(reasons, { timeout: 10_000 }).toEqual([])
  await expect.poll(() => relay.status()[0]?.parkedTopics, { timeout: 10_000 }).toEqual([])
})
