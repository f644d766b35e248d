import { afterEach, beforeEach, expect, test } from 'vitest'
import { adoptTopic } from '../../../../src/runtime/adopt-topic.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import { type RelayWorld, relayWorld, topic, until } from '../relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const keys = Array.from({ length: 12 }, (_, n) => `k-${n}`)
const act = { actor: 'ann', reason: 'more consumers' }
/** Makes the topic again, empty, with another number of partitions. */
const remake = async (partitions: number): Promise<void> => {
  world.transport.deleteTopic(topic)
  await world.transport.admin().createTopics([{ topic, partitions }])
}
const places = () => world.transport.records(topic).map(({ key, partition }) => [String(key), partition])
const expected = (partitions: number) => keys.map((key) => [key, partitionOf(key, partitions)])

test('a topic with more partitions is written to with those it had, until an operator adopts the new number (rule C21)', async () => {
  const first = await world.relay()
  for (const key of keys) await world.insert(key, '1')
  await until('all is delivered', () => world.bodies().length === 12)
  await first.stop()
  await remake(8)
  const relay = await world.relay()
  for (const key of keys) await world.insert(key, '2')
  await until('all is delivered', () => world.bodies().length === 12)
  expect(places()).toEqual(expected(4))
  expect(relay.health().reason).toContain('has 8 partitions and is written to with 4')

  const options = { database: world.pool, transport: world.transport, topic }
  await expect(adoptTopic(options, { ...act, reason: '' })).rejects.toMatchObject({ code: 'REASON_MISSING' })
  await expect(adoptTopic({ ...options, topic: 'none' }, act)).rejects.toMatchObject({
    code: 'TOPIC_NOT_PINNED',
  })
  expect(await adoptTopic(options, act)).toEqual({ topic, partitions: 8, before: [4] })
  await until('it is adopted', async () => {
    const { rows } = await world.pool.query(
      'select partition_count, adopt_count from backstitch.outbox_topic',
    )
    return rows[0]?.partition_count === 8 && rows[0]?.adopt_count === null
  })
  for (const key of keys) await world.insert(key, '3')
  await until('all is delivered', () => world.bodies().length === 24)
  expect(places().slice(12)).toEqual(expected(8))
  expect(relay.health()).toEqual({ state: 'running' })
  const { rows } = await world.pool.query(
    `select verb, reason from backstitch.audit_entry where verb = 'topics adopt'`,
  )
  expect(rows).toMatchObject([{ reason: 'more consumers' }])
})

test('rows of a topic that was made again with fewer partitions wait, others flow, and they follow once that number is adopted', async () => {
  await world.transport.admin().createTopics([{ topic: 'outbox.event.other', partitions: 1 }])
  const relay = await world.relay()
  for (const key of keys) await world.insert(key, '1')
  await until('all is delivered', () => world.bodies().length === 12)
  await remake(2)
  for (const key of keys) await world.insert(key, '2')
  await until('the topic is parked', () => relay.status()[0]?.parkedTopics[0] === topic)
  await world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('other', 'k', 't', 'flows')`,
  )
  await until('another topic flows', () => world.transport.records('outbox.event.other').length === 1)
  await adoptTopic({ database: world.pool, transport: world.transport, topic }, act)
  await until('the rows follow', async () => {
    const { rows } = await world.pool.query('select from backstitch.outbox_quarantine')
    return rows.length === 0 && relay.status()[0]?.parkedTopics.length === 0
  })
  const seen = new Set(world.transport.records(topic).map(({ key }) => String(key)))
  expect(seen.size).toBe(12)
  for (const { key, partition } of world.transport.records(topic))
    expect(partition).toBe(partitionOf(key ?? '', 2))
})
