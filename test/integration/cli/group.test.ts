import { Pool } from 'pg'
import { z } from 'zod'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer } from '../../../src/runtime/create-consumer.ts'
import { createDatabase, kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../support/services.ts'
import { publish, untilDrained } from '../inbox/topic-feed.ts'
import { backstitch, type CommandResult } from './backstitch-process.ts'

const topicPrefix = uniqueTopicPrefix()
const topic = `${topicPrefix}order`
const group = uniqueName('group')
const Placed = event('order.placed', {
  version: 1,
  key: (it) => it.orderId,
  payload: z.object({ orderId: z.string() }),
})
let environment: Record<string, string>
let pool: Pool
const member = () =>
  createConsumer({
    database: pool,
    transport: kafkajs({ brokers: kafkaBrokers() }),
    topicPrefix,
    group,
    handlers: [on(Placed, () => undefined)],
  })

beforeAll(async () => {
  const [orders, stock] = await Promise.all([createDatabase(), createDatabase()])
  environment = {
    DATABASE_URL_ORDERS: orders.url,
    DATABASE_URL_STOCK: stock.url,
    KAFKA_BROKERS: kafkaBrokers().join(','),
    TOPIC_PREFIX: topicPrefix,
  }
  pool = new Pool({ connectionString: orders.url })
  expect((await backstitch(['migrate'], environment)).code).toBe(0)
  expect((await backstitch(['topics', 'apply'], environment)).code).toBe(0)
  const transport = kafkajs({ brokers: kafkaBrokers() })
  await publish(
    transport,
    Array.from({ length: 10 }, (_, n) => ({
      topic,
      type: 'order.placed',
      partition: n % 2,
      key: `o-${n}`,
      value: { orderId: `o-${n}` },
    })),
  )
  const consumer = member()
  await consumer.start()
  await untilDrained(transport, group, topic)
  await consumer.stop()
})
afterAll(() => pool.end())

const run = (...words: string[]): Promise<CommandResult> => backstitch(['group', ...words], environment)
/** What is different each time, as the golden files have it. */
const settled = (text: string): string =>
  text
    .replaceAll(new RegExp(`${group} *`, 'g'), '<group> ')
    .replaceAll(topic, '<topic>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/ {2,}/g, '  ')
/** Each command is a process, which takes seconds where the machine is in use. */
const slow = { timeout: 180_000 }
const golden = (name: string): string => `golden/group-${name}.txt`

test('list and show tell where the groups of each inbox are', slow, async () => {
  const list = await run('list')
  expect(list).toMatchObject({ code: 0, err: '' })
  await expect(settled(list.out)).toMatchFileSnapshot(golden('list'))
  const show = await run('show', group, '--database', 'orders')
  expect(show).toMatchObject({ code: 0, err: '' })
  await expect(settled(show.out)).toMatchFileSnapshot(golden('show'))
  const json = await run('show', group, '--database', 'orders', '--json')
  expect(JSON.parse(json.out)).toMatchObject({
    group,
    state: 'empty',
    members: [],
    partitions: [
      { topic, partition: 0, begin: '0', end: '5', committed: '5', lag: '0' },
      { topic, partition: 1, begin: '0', end: '5', committed: '5', lag: '0' },
    ],
  })
})

test('redeliver and reprocess, as a plan first, and with a reason', slow, async () => {
  const on = [group, '--database', 'orders', '--actor', 'ann', '--reason', 'a lost index']
  const plan = await run('redeliver', ...on, '--earliest', '--dry-run')
  expect(plan).toMatchObject({ code: 0, err: '' })
  await expect(settled(plan.out)).toMatchFileSnapshot(golden('redeliver-plan'))
  const done = await run('reprocess', ...on, '--to-offset', `${topic}/1=3`)
  expect(done).toMatchObject({ code: 0, err: '' })
  await expect(settled(done.out)).toMatchFileSnapshot(golden('reprocess'))
  const nothing = await run('redeliver', ...on, '--to-time', '2999-01-01T00:00:00Z')
  expect(settled(nothing.out)).toBe('<group> : nothing lies before where it is; nothing was changed\n')
  const { rows } = await pool.query(
    `select verb, actor_id, reason, after from backstitch.audit_entry where target_id = $1`,
    [group],
  )
  expect(rows).toEqual([
    {
      verb: 'group reprocess',
      actor_id: 'ann',
      reason: 'a lost index',
      after: { generation: 2, offsets: { [`${topic}/1`]: '3' }, deadLettersDropped: 0 },
    },
  ])
})

test('what is refused says so by its exit code', slow, async () => {
  const on = [group, '--database', 'orders', '--reason', 'r']
  const codeOf = async (...words: string[]): Promise<[number | null, string]> => {
    const { code, err } = await run(...words)
    return [code, /[A-Z]+_[A-Z_]+/.exec(err)?.[0] ?? err]
  }
  expect(await codeOf('redeliver', ...on)).toEqual([2, 'CONFIG_INVALID'])
  expect((await run('redeliver', ...on, '--to-offset', 'order=3')).code).toBe(2)
  expect((await run('redeliver', group, '--earliest')).code).toBe(2)
  expect(await codeOf('redeliver', ...on, '--earliest', '--topic', 'other')).toEqual([2, 'CONFIG_INVALID'])
  expect(await codeOf('show', group)).toEqual([2, 'CONFIG_INVALID']) // two databases have an inbox
  expect(await codeOf('show', 'nobody', '--database', 'stock')).toEqual([4, 'GROUP_NOT_FOUND'])
  const consumer = member()
  await consumer.start()
  expect(await codeOf('reprocess', ...on, '--earliest')).toEqual([5, 'GROUP_IN_USE'])
  await consumer.stop()
  const forgotten = await run('forget', ...on)
  expect(settled(forgotten.out)).toBe('orders: <group> is forgotten\n')
})
