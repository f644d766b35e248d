import { readFileSync } from 'node:fs'
import { createRelay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DebeziumServer, type Services, startDebezium, startServices } from '../../dev-services/index.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import { faultPool } from '../faults/world/fault-pool.ts'
import { rowsOfAllKinds } from './rows-of-all-kinds.ts'
import { readTopics, type WireRecord } from './wire-record.ts'

// What the documentation tells the user to do is what is done here.
const protocol = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const documented = (language: string, mark: string): string =>
  [...protocol.matchAll(/```(\w+)\n([\s\S]*?)```/g)].find(
    ([, found, text]) => found === language && text?.includes(mark),
  )?.[2] ?? ''

let services: Services
let debezium: DebeziumServer
let pool: Pool
const run = Date.now().toString(36)
const ourPrefix = `interop.${run}.ours.`
const theirPrefix = `interop.${run}.theirs.`
const aggregateTypes = ['order', 'stock.command', 'orchestrator.reply', 'orchestrator.saga']

beforeAll(async () => {
  services = await startServices({ log: (line) => console.error(`[services] ${line}`) })
  debezium = await startDebezium({
    brokers: services.kafka.brokers,
    properties: { 'plugin.discovery': 'service_load' },
    log: (line) => console.error(`[services] ${line}`),
  })
  const database = `interop_${run}`
  const server = faultPool(services.postgres.url, 1)
  await server.query(`create database ${database}`)
  await server.end()
  const url = new URL(services.postgres.url)
  url.pathname = `/${database}`
  // a server that stops may still end sessions that their pool has just let go of
  pool = faultPool(url.href, 3)
  await migrate({ database: pool, parts: ['outbox'] })
  const admin = kafkajs({ brokers: services.kafka.brokers }).admin()
  await admin.createTopics(
    [ourPrefix, theirPrefix].flatMap((prefix) =>
      aggregateTypes.map((type) => ({ topic: `${prefix}${type}`, partitions: 3 })),
    ),
  )
  await admin.close()

  await pool.query(documented('sql', 'create publication'))
  await pool.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [`interop_${run}`])
  await debezium.connect('outbox', {
    ...(JSON.parse(documented('json', 'EventRouter')) as Record<string, string>),
    'database.hostname': url.hostname,
    'database.port': url.port,
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': database,
    'slot.name': `interop_${run}`,
    'topic.prefix': 'interop',
    'transforms.outbox.route.topic.replacement': `${theirPrefix}\${routedByValue}`,
  })
}, 300_000)

afterAll(async () => {
  await debezium?.stop()
  await pool
    ?.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [
      `interop_${run}`,
    ])
    .catch(() => undefined)
  await pool?.end()
  await services?.stop()
}, 60_000)

test('a stock Debezium makes of the outbox the records that the relay makes of it', async () => {
  // the rows lie on both sides of a partition’s edge
  await pool.query('alter table backstitch.outbox alter column seq restart with 999990')
  const rows = rowsOfAllKinds()
  for (const row of rows) {
    const columns = Object.keys(row)
    await pool.query(
      `insert into backstitch.outbox (${columns.join(', ')}) values (${columns.map((_, n) => `$${n + 1}`).join(', ')})`,
      Object.values(row),
    )
  }
  const relay = createRelay({
    databases: [pool],
    transport: kafkajs({ brokers: services.kafka.brokers }),
    topicPrefix: ourPrefix,
  })
  await relay.start()
  const read = (prefix: string): Promise<WireRecord[]> =>
    readTopics(
      services.kafka.brokers,
      prefix,
      aggregateTypes.map((type) => `${prefix}${type}`),
      rows.length,
      async () => {
        const trouble = await debezium.trouble('outbox')
        if (trouble !== undefined) throw new Error(`Debezium’s connector failed: ${trouble}`)
      },
    )
  try {
    const [ours, theirs] = [await read(ourPrefix), await read(theirPrefix)]
    expect(ours).toHaveLength(rows.length)
    expect(new Set(ours.map(({ topic }) => topic))).toEqual(new Set(aggregateTypes))
    expect(theirs).toEqual(ours)
  } finally {
    await relay.stop()
  }
}, 120_000)
