import { afterEach, expect, test } from 'vitest'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { relayOver } from '../../../../src/relay/relay.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import { FakeDatabase } from '../fake-database.ts'
import { rowOf } from '../rows.ts'
import { ScriptedTransport } from '../scripted-transport.ts'
import { until } from '../until.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const topic = 'outbox.event.order'
const keys = Array.from({ length: 12 }, (_, n) => `k-${n}`)

function setUp() {
  const database = new FakeDatabase()
  const transport = new ScriptedTransport()
  const codes: unknown[] = []
  const logger = {
    ...silentLogger,
    warn: (fields: object) => void codes.push('code' in fields && fields.code),
    child: () => logger,
  }
  let last = 0
  const insert = (): void => {
    for (const key of keys) {
      const seq = String(++last)
      database.insert(rowOf({ seq, aggregateid: key, payload: seq }))
    }
  }
  const start = async () => {
    const relay = relayOver({ databases: [database], transport, logger, pace: { idleMs: 2 } })
    stops.push(() => relay.stop())
    await relay.start()
    return relay
  }
  const partitionsUsed = (from: number) =>
    transport.batches
      .flat()
      .slice(from)
      .map(({ key, partition }) => [String(key), partition])
  return { database, transport, codes, insert, start, partitionsUsed }
}

test('the next owner goes on with the number of partitions that the topic had, and adopts another one when told to (rule C21)', async () => {
  const { database, transport, codes, insert, start, partitionsUsed } = setUp()
  const first = await start()
  insert()
  await until('all is published', () => transport.bodies.length === 12)
  expect(database.pins.get(topic)).toEqual({ partitions: 4 })
  await first.stop()
  transport.topics.set(topic, 6)
  const relay = await start()
  insert()
  await until('all is published', () => transport.bodies.length === 24)
  expect(partitionsUsed(12)).toEqual(partitionsUsed(0).slice(0, 12))
  expect(codes).toContain('OUTBOX_PARTITIONS_CHANGED')
  expect(relay.health()).toMatchObject({
    state: 'running',
    reason: expect.stringContaining('is written to with 4'),
  })
  expect(relay.status()[0]?.changedTopics).toHaveLength(1)

  database.pins.set(topic, { partitions: 4, adopted: 6 })
  await until('it is adopted', () => database.pins.get(topic)?.partitions === 6)
  expect(database.pins.get(topic)).toEqual({ partitions: 6 })
  insert()
  await until('all is published', () => transport.bodies.length === 36)
  expect(partitionsUsed(24)).toEqual(keys.map((key) => [key, partitionOf(key, 6)]))
  expect(relay.health()).toEqual({ state: 'running' })
})

test('rows of a topic that was made again with fewer partitions wait until that number is adopted, in order', async () => {
  const { database, transport, insert, start } = setUp()
  const relay = await start()
  insert()
  await until('all is published', () => transport.bodies.length === 12)
  transport.topics.set(topic, 2)
  transport.answer = (records) =>
    records.some(({ partition }) => partition >= 2)
      ? { kind: 'failed', failure: { kind: 'topic', reason: 'no such partition' } }
      : { kind: 'acknowledged' }
  insert()
  await until('the topic is parked', () => relay.status()[0]?.parkedTopics[0] === topic)
  insert()
  await until('its rows wait', () => database.quarantine.size >= 12)
  database.pins.set(topic, { partitions: 4, adopted: 2 })
  await until(
    'they are published',
    () => database.quarantine.size === 0 && new Set(transport.bodies).size === 36,
  )
  for (const n of keys.keys()) {
    const mine = transport.bodies.map(Number).filter((body) => (body - 1) % 12 === n)
    expect([...new Set(mine)]).toEqual([...new Set(mine)].toSorted((a, b) => a - b))
  }
})

test('a held partition waits for its topic once another number is adopted, so that no row of its keys is overtaken', async () => {
  const { database, transport, insert, start } = setUp()
  const relay = await start()
  let isSick = true
  transport.answer = (records) =>
    isSick && records.some(({ partition }) => partition === 1)
      ? { kind: 'failed', failure: { kind: 'unknown', reason: 'no leader' } }
      : { kind: 'acknowledged' }
  insert()
  await until('it is held', () => database.quarantine.size > 0)
  transport.topics.set(topic, 8)
  database.pins.set(topic, { partitions: 4, adopted: 8 })
  await until('it is adopted', () => database.pins.get(topic)?.partitions === 8)
  insert()
  expect(relay.status()[0]?.heldPartitions).toEqual([])
  isSick = false
  await until(
    'all is published',
    () => database.quarantine.size === 0 && new Set(transport.bodies).size === 24,
  )
  for (const n of keys.keys()) {
    const mine = transport.bodies.map(Number).filter((body) => (body - 1) % 12 === n)
    expect([...new Set(mine)]).toEqual([...new Set(mine)].toSorted((a, b) => a - b))
  }
}, 30_000)

test('Kafka is asked for the number that is wanted beside everything else', async () => {
  const { database, transport, insert, start } = setUp()
  database.pins.set(topic, { partitions: 4 })
  transport.topics.set(topic, 6)
  await start()
  insert()
  await until('all is published', () => transport.bodies.length === 12)
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  Object.defineProperty(transport, 'counting', {
    get: () => {
      asked.resolve()
      return answer.promise
    },
  })
  database.pins.set(topic, { partitions: 4, adopted: 6 })
  await asked.promise
  insert()
  await until('all is published', () => transport.bodies.length === 24)
  expect(database.pins.get(topic)).toEqual({ partitions: 4, adopted: 6 })
  answer.resolve()
  await until('it is adopted', () => database.pins.get(topic)?.partitions === 6)
})
