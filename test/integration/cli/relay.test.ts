import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import { createDatabase, kafkaBrokers, uniqueTopicPrefix } from '../../support/services.ts'
import { backstitch, startBackstitch } from './backstitch-process.ts'

const topicPrefix = uniqueTopicPrefix()
let environment: Record<string, string>
let pools: Record<'orders' | 'stock', Pool>
beforeAll(async () => {
  const [orders, stock] = await Promise.all([createDatabase(), createDatabase()])
  environment = {
    DATABASE_URL_ORDERS: orders.url,
    DATABASE_URL_STOCK: stock.url,
    KAFKA_BROKERS: kafkaBrokers().join(','),
    TOPIC_PREFIX: topicPrefix,
  }
  pools = {
    orders: new Pool({ connectionString: orders.url }),
    stock: new Pool({ connectionString: stock.url }),
  }
})
afterAll(() => Promise.all([pools.orders.end(), pools.stock.end()]))

const recordsOn = async (aggregateType: string): Promise<bigint> => {
  const admin = kafkajs({ brokers: kafkaBrokers() }).admin()
  try {
    const offsets = await admin.endOffsets(topicPrefix + aggregateType)
    return offsets.reduce((sum, offset) => sum + offset, 0n)
  } finally {
    await admin.close()
  }
}

const insert = (pool: Pool, aggregateType: string): Promise<unknown> =>
  pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ($1, 'o-1', 'any', '{}')`,
    [aggregateType],
  )

test('without tables it is refused at the start, with what to do', async () => {
  const { code, err } = await backstitch(['relay'], environment)
  expect(code).toBe(1)
  expect(err).toMatch(/^SCHEMA_MISSING: .* Run `backstitch migrate`/)
})

test('it publishes plain inserts of all its databases until SIGTERM, drains, and ends with 0', async () => {
  expect((await backstitch(['migrate'], environment)).code).toBe(0)
  expect((await backstitch(['topics', 'apply'], environment)).code).toBe(0)
  const running = startBackstitch(['relay'], { environment })
  await running.says('"msg":"started"')
  await insert(pools.orders, 'order')
  await insert(pools.stock, 'orchestrator.reply')
  await expect.poll(() => recordsOn('order'), { timeout: 15_000 }).toBe(1n)
  await expect.poll(() => recordsOn('orchestrator.reply'), { timeout: 15_000 }).toBe(1n)
  running.process.kill('SIGTERM')
  const { code, out, err } = await running.ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const line of out.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('msg')
})

test('it publishes through the driver that the environment names, compressed', async () => {
  const environmentOfDriver = { ...environment, KAFKA_DRIVER: 'platformatic', KAFKA_COMPRESSION: 'zstd' }
  const before = await recordsOn('order')
  const running = startBackstitch(['relay'], { environment: environmentOfDriver })
  await running.says('"msg":"started"')
  await insert(pools.orders, 'order')
  await expect.poll(() => recordsOn('order'), { timeout: 15_000 }).toBe(before + 1n)
  running.process.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
})

test('it shows metrics and health while it runs, and is not ready while it drains', async () => {
  const running = startBackstitch(['relay', '--metrics-port', '0'], { environment })
  await running.says('"msg":"probes and metrics can be read"')
  await running.says('"msg":"started"')
  const port = /"port":(\d+)/.exec(running.said())?.[1]
  const status = async (page: string) => (await fetch(`http://127.0.0.1:${port}${page}`)).status
  expect([await status('/healthz'), await status('/readyz'), await status('/metrics')]).toEqual([
    200, 200, 200,
  ])
  await insert(pools.orders, 'order')
  const published = /^backstitch_relay_published_total\{database="orders"\} [1-9]/m
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), { timeout: 15_000 })
    .toMatch(published)
  running.process.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
  await expect(status('/healthz')).rejects.toThrow()
})

test('a port that cannot be used is an error of the configuration', async () => {
  const { code, err } = await backstitch(['relay', '--metrics-port', '70000'], environment)
  expect(code).toBe(2)
  expect(err).toMatch(/^CONFIG_INVALID: .*http\.port/)
})

test('it goes on when nobody reads its log any more, and drains at SIGTERM', async () => {
  const running = startBackstitch(['relay'], { environment })
  await running.says('"msg":"started"')
  running.process.stdout?.destroy()
  running.process.stderr?.destroy()
  // A line of the log for which there is no reader: a topic that does not exist.
  await insert(pools.orders, 'nowhere')
  await expect
    .poll(async () => (await pools.orders.query('select from backstitch.outbox_quarantine')).rowCount, {
      timeout: 15_000,
    })
    .toBe(1)
  const before = await recordsOn('order')
  await insert(pools.orders, 'order')
  await expect.poll(() => recordsOn('order'), { timeout: 15_000 }).toBe(before + 1n)
  expect(running.process.exitCode).toBe(null)
  running.process.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
  const { rows } = await pools.orders.query<{ owner: string | null }>(
    'select owner from backstitch.outbox_checkpoint order by number desc limit 1',
  )
  expect(rows).toEqual([{ owner: null }])
})

test('it waits for a database that is not there, says so without its password, and still ends by SIGTERM', async () => {
  const closed = { ...environment, DATABASE_URL_STOCK: 'postgres://user:hunter2@127.0.0.1:1/stock' }
  const running = startBackstitch(['relay', '--database', 'stock'], { environment: closed })
  await running.says('127.0.0.1:1')
  running.process.kill('SIGTERM')
  const { code, out, err } = await running.ended
  expect(code).toBe(0)
  expect(out + err).not.toContain('hunter2')
})
