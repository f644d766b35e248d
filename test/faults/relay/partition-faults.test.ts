import { createRelay } from 'backstitch'
import type { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  type KafkaServer,
  type OwnServices,
  type ProcessControl,
  startServices,
} from '../../../dev-services/index.ts'
import { eachDriver } from '../../conformance/transport/real-drivers.ts'
import { partitionOf } from '../../../src/transport/partition.ts'
import { uniqueName } from '../../support/services.ts'
import { brokenPromises, type DeliveredRecord } from '../world/broken-promises.ts'
import { faultPool, migrateFaults } from '../world/fault-pool.ts'
import { FaultWriters } from '../world/fault-writers.ts'
import { readTopic } from '../world/read-topic.ts'
import { until } from '../world/until.ts'

const leaseDurationMs = 1_500
let services: OwnServices
let other: KafkaServer & ProcessControl
let pool: Pool
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  services = await startServices({ own: true })
  other = await services.kafka.addBroker()
  pool = faultPool(services.postgres.url)
  await migrateFaults(pool)
})
afterAll(async () => {
  await pool.end()
  await services.stop()
})
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

const faults = [
  ['killed', 'SIGKILL'],
  ['frozen', 'SIGSTOP'],
] as const

test.each(eachDriver.flatMap((it) => faults.map((fault) => [...fault, it.name, it.driver] as const)))(
  'while one of two brokers is %s (%s) its partitions alone wait, with %s; they follow by themselves, in order (rule B12)',
  async (_, signal, _name, driver) => {
    const topicPrefix = `${uniqueName()}.`
    const topic = `${topicPrefix}fault`
    const transport = driver({ brokers: services.kafka.brokers })
    const admin = transport.admin()
    await admin.createTopics([{ topic, partitions: 4 }])
    await admin.close()
    const relay = createRelay({ databases: [pool], transport, topicPrefix, leaseDurationMs })
    stops.push(() => relay.stop())
    await relay.start()
    const published = () => relay.status()[0]?.published ?? 0
    const held = () => relay.status()[0]?.heldPartitions ?? []
    const writers = [0, 1, 2, 3].map((n) => new FaultWriters(pool, `${uniqueName()}${n}`))
    await until('rows flow', () => published() > 200)

    await other.kill(signal)
    await until('partitions of the other broker are held', () => held().length > 0, 60_000)
    expect(relay.health()).toMatchObject({ state: 'failing' })
    expect(relay.health().reason).toContain(`of ${topic} cannot be written to`)
    const before = published()
    await until('the others flow', () => published() > before + 200)
    // wait for the rows of the held ones to come together
    await until('rows wait', async () => {
      const { rows } = await pool.query<{ n: number }>(
        `select count(*)::integer as n from backstitch.outbox_quarantine where reason_code = 'OUTBOX_PARTITION_HELD'`,
      )
      return (rows[0]?.n ?? 0) > 50
    })
    const heldThen = held()
    if (signal === 'SIGKILL') await other.restart()
    else await other.kill('SIGCONT')
    await until('nothing is held any more', () => held().length === 0, 60_000)
    await Promise.all(writers.map((it) => it.stop()))
    const committed = new Set(writers.flatMap((it) => it.committed))

    let records: DeliveredRecord[] = []
    await until('all is delivered', async () => {
      records = await readTopic(services.kafka.brokers, topic)
      return new Set(records.map(({ body }) => body)).size >= committed.size
    })
    expect(brokenPromises(committed, records)).toEqual([])
    // the partitions that were held are the other broker’s, and repeats are few
    expect(heldThen.length).toBeLessThanOrEqual(2)
    for (const { key, partition } of records) expect(partition).toBe(partitionOf(key, 4))
    expect(records.length - committed.size).toBeLessThan(3_000)
  },
)
