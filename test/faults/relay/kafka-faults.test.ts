import { createRelay, type Relay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import type { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import type { ReceivedRecord, Subscriber } from '../../../src/transport/subscriber.ts'
import { faultPool, FaultWriters, inversionsOf, migrateFaults, until } from './fault-world.ts'
import { RelayProcess } from './relay-process.ts'

const leaseDurationMs = 1_000
let services: OwnServices
let pool: Pool
let subscriber: Subscriber
let records: ReceivedRecord[]
let topicPrefix: string
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  services = await startServices({ own: true })
  pool = faultPool(services.postgres.url)
  await migrateFaults(pool)
})
afterAll(async () => {
  await pool.end()
  await services.stop()
})
beforeEach(async () => {
  await pool.query('truncate backstitch.outbox, backstitch.outbox_checkpoint, fault_key')
  topicPrefix = `faults.${Date.now()}.`
  records = []
  const transport = kafkajs({ brokers: services.kafka.brokers })
  const admin = transport.admin()
  await admin.createTopics([{ topic: `${topicPrefix}fault`, partitions: 4 }])
  await admin.close()
  subscriber = transport.subscriber({ group: topicPrefix, topics: [`${topicPrefix}fault`] })
  await subscriber.run((batch) => {
    records.push(...batch.records)
    return Promise.resolve({ kind: 'done' })
  })
})
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
  await subscriber.stop()
})

const bodies = (): string[] => records.map(({ value }) => String(value))
const epoch = async (): Promise<number> => {
  const { rows } = await pool.query<{ epoch: string }>(
    'select max(epoch) as epoch from backstitch.outbox_checkpoint',
  )
  return Number(rows[0]?.epoch)
}

async function expectAllDelivered(committed: readonly string[]): Promise<void> {
  await until('all is delivered', () => {
    const delivered = new Set(bodies())
    return committed.every((body) => delivered.has(body))
  })
  const known = new Set(committed)
  expect(bodies().filter((body) => !known.has(body))).toEqual([])
  expect(inversionsOf(bodies())).toEqual([])
}

test('while Kafka is down the lease is kept and the reason told; afterwards all follows by itself, in order', async () => {
  const relay: Relay = createRelay({
    databases: [pool],
    transport: kafkajs({ brokers: services.kafka.brokers }),
    topicPrefix,
    leaseDurationMs,
  })
  stops.push(() => relay.stop())
  await relay.start()
  const writers = new FaultWriters(pool, 'kafka')
  await until('rows flow', () => bodies().length > 100)
  const before = await epoch()
  await services.kafka.kill('SIGKILL')
  await until('the relay says so', () => relay.health().state === 'failing')
  expect(relay.health().reason).toMatch(/^Kafka: /)
  await new Promise((resolve) => setTimeout(resolve, 3 * leaseDurationMs))
  expect(await epoch()).toBe(before)
  await services.kafka.restart()
  await until('the relay works again', () => relay.health().state === 'running')
  await writers.stop()
  await expectAllDelivered(writers.committed)
  expect(await epoch()).toBe(before)
})

test('a broker that freezes for a while costs duplicates at most', async () => {
  const relay: Relay = createRelay({
    databases: [pool],
    transport: kafkajs({ brokers: services.kafka.brokers }),
    topicPrefix,
    leaseDurationMs,
  })
  stops.push(() => relay.stop())
  await relay.start()
  const writers = new FaultWriters(pool, 'frozen')
  await until('rows flow', () => bodies().length > 100)
  for (let round = 0; round < 2; round++) {
    const before = bodies().length
    await services.kafka.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await services.kafka.kill('SIGCONT')
    await until('rows flow again', () => bodies().length > before + 100)
  }
  await writers.stop()
  await expectAllDelivered(writers.committed)
})

test('a frozen owner is replaced within its lease, and does no harm when it wakes (rule B13)', async () => {
  const settings = {
    url: services.postgres.url,
    brokers: services.kafka.brokers,
    topicPrefix,
    leaseDurationMs,
  }
  const first = new RelayProcess(settings)
  stops.push(() => first.stop())
  await until('the first one owns the outbox', () => first.health.state === 'running')
  const second = new RelayProcess(settings)
  stops.push(() => second.stop())
  await until('the second one stands by', () => second.health.state === 'standby')
  const writers = new FaultWriters(pool, 'owner')
  let [owner, other] = [first, second]
  for (let round = 0; round < 3; round++) {
    const before = bodies().length
    await until('rows flow', () => bodies().length > before + 100)
    owner.signal('SIGSTOP')
    const frozenAtMs = performance.now()
    await until('it is replaced', () => other.health.state === 'running')
    expect(performance.now() - frozenAtMs).toBeLessThan(leaseDurationMs + 1_000)
    const after = bodies().length
    await until('rows flow again', () => bodies().length > after + 100)
    owner.signal('SIGCONT')
    await until('one of them works and the other stands by', () => {
      const states = [owner, other].map(({ health }) => health.state)
      return states.includes('running') && states.includes('standby')
    })
    if (other.health.state === 'running') [owner, other] = [other, owner]
  }
  await writers.stop()
  await expectAllDelivered(writers.committed)
})
