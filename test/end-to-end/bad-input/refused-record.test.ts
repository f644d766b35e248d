import { expect, test } from 'vitest'
import { configureTopic } from './world/configure-topic.ts'
import { outboxVerb, parkedRows } from './world/outbox-verbs.ts'
import { TopicReader } from './world/topic-reader.ts'
import { World } from './world/world.ts'

const small = (name: string): string => JSON.stringify({ name })
const large = (name: string): string => JSON.stringify({ name, filling: 'x'.repeat(30_000) })
const reason = ['--reason', 'a test']

test('a record that is too large for its topic parks its key; others flow; after the limit is raised a retry delivers it with its successors in order, and a skip without it', async () => {
  const world = await World.open()
  await world.createTopics({
    aggregateType: 'order',
    partitions: 1,
    config: { 'max.message.bytes': '20000' },
  })
  const topic = world.topicOf('order')
  const reader = await TopicReader.of(topic)
  const relay = world.relay()
  await relay.start()
  // one statement: all of it is one page of the relay, and most of it one request
  await world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
     select 'order', key, 'order.placed', payload from unnest($1::text[], $2::text[]) with ordinality as t (key, payload, n) order by n`,
    [
      ['a', 'b', 'b', 'a', 'c', 'b', 'd', 'd', 'a'],
      [
        small('a1'),
        large('b1'),
        small('b2'),
        small('a2'),
        small('c1'),
        large('b3'),
        large('d1'),
        small('d2'),
        small('a3'),
      ],
    ],
  )
  await reader.holds('a', ['a1', 'a2', 'a3'].map(small))
  await reader.holds('c', [small('c1')])
  const line = await world.log.says({ code: 'OUTBOX_RECORD_REFUSED', key: 'b' })
  expect(line).toMatchObject({ level: 'warn', topic, msg: 'a key is parked: Kafka refuses its record' })

  // what comes later for a parked key waits behind it, also with a relay that starts anew
  await world.insert({ key: 'b', payload: small('b4') }, { key: 'a', payload: small('a4') })
  await reader.holds('a', ['a1', 'a2', 'a3', 'a4'].map(small))
  await relay.stop()
  const next = world.relay()
  await next.start()
  await world.insert({ key: 'b', payload: small('b5') }, { key: 'a', payload: small('a5') })
  await reader.holds('a', ['a1', 'a2', 'a3', 'a4', 'a5'].map(small))
  const inQuarantine = async (): Promise<unknown> =>
    (await world.pool.query('select aggregateid, reason_code from backstitch.outbox_quarantine order by seq'))
      .rows
  const refused = (aggregateid: string) => ({ aggregateid, reason_code: 'OUTBOX_RECORD_REFUSED' })
  const behind = (aggregateid: string) => ({ aggregateid, reason_code: 'OUTBOX_KEY_PARKED' })
  const all = [refused('b'), behind('b'), behind('b'), refused('d'), behind('d'), behind('b'), behind('b')]
  await expect.poll(inQuarantine, { timeout: 10_000 }).toEqual(all)
  expect(next.status()).toMatchObject([{ parkedKeys: 2, parkedTopics: [] }])
  expect(reader.values('b')).toEqual([])
  expect(reader.values('d')).toEqual([])

  const listed = await parkedRows(world)
  expect(listed.map(({ key, code }) => [key, code])).toEqual(all.map((row) => Object.values(row)))
  expect(listed[0]?.reason).toMatch(/larger than the max|too large/i)
  const table = await outboxVerb(world, 'list', '--topic', topic, '--key', 'd')
  expect(table).toMatch(
    /^DATABASE +SEQ +TOPIC +KEY .*\n.* d +order\.placed .* OUTBOX_RECORD_REFUSED .*\n.* OUTBOX_KEY_PARKED .*\n$/,
  )

  // a retry that comes too early changes nothing, and does not let the successors by
  await outboxVerb(world, 'retry', '--topic', topic, '--key', 'b', ...reason)
  const intents = async (): Promise<unknown> =>
    (await world.pool.query('select from backstitch.outbox_quarantine where intent is not null')).rowCount
  await expect.poll(intents, { timeout: 10_000 }).toBe(0)
  expect(await inQuarantine()).toEqual(all)
  expect(reader.values('b')).toEqual([])

  await configureTopic(topic, 'max.message.bytes', '100000')
  await outboxVerb(world, 'retry', '--topic', topic, '--key', 'b', ...reason)
  await reader.holds('b', [large('b1'), small('b2'), large('b3'), small('b4'), small('b5')])
  await world.log.says({ msg: 'a parked key flows again', key: 'b' })
  await world.insert({ key: 'b', payload: small('b6') })
  await reader.holds('b', [large('b1'), small('b2'), large('b3'), small('b4'), small('b5'), small('b6')])

  const [head] = (await parkedRows(world)).filter(({ key }) => key === 'd')
  expect(head?.code).toBe('OUTBOX_RECORD_REFUSED')
  await outboxVerb(world, 'skip', head?.seq ?? '', ...reason)
  await reader.holds('d', [small('d2')])
  await expect.poll(() => parkedRows(world), { timeout: 10_000 }).toEqual([])
  expect(next.status()).toMatchObject([{ parkedKeys: 0 }])
  expect(reader.values().filter((value) => value === large('d1'))).toEqual([])
})
