import { kafkajs } from 'backstitch/kafkajs'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import { uniqueName } from '../../support/services.ts'
import { faultPool, migrateFaults } from '../world/fault-pool.ts'
import { RelayProcess } from '../world/relay-process.ts'
import { until } from '../world/until.ts'

/** Rows of the backlog, over some hundred keys. */
const rowsCount = 60_000
const duplicatesMax = 5_000

let services: OwnServices
let pool: Pool
beforeAll(async () => {
  services = await startServices({ own: true })
  pool = faultPool(services.postgres.url)
  await migrateFaults(pool)
})
afterAll(async () => {
  await pool.end()
  await services.stop()
})

test('a relay that is killed in the middle of a backlog repeats what was in flight, and no more, however fast it is (rule C25)', async () => {
  const topicPrefix = `${uniqueName()}.`
  const topic = `${topicPrefix}fault`
  const transport = kafkajs({ brokers: services.kafka.brokers })
  const admin = transport.admin()
  await admin.createTopics([{ topic, partitions: 6 }])
  await pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
     select 'fault', 'k-' || n % 300, 't', n::text from generate_series(1, ${rowsCount}) n`,
  )
  const written = async () => (await admin.endOffsets(topic)).reduce((sum, offset) => sum + Number(offset), 0)
  const settings = {
    url: services.postgres.url,
    brokers: services.kafka.brokers,
    topicPrefix,
    leaseDurationMs: 1_000,
  }
  const first = new RelayProcess(settings)
  await until('it is in the middle of it', async () => (await written()) > rowsCount / 10)
  first.signal('SIGKILL')
  await first.stop()
  const between = await written()
  expect(between).toBeLessThan(rowsCount)
  const second = new RelayProcess(settings)
  try {
    await until('all is published', async () => {
      const { rows } = await pool.query<{ done: boolean }>(
        `select current is null and not exists (
           select from backstitch.outbox o where not pg_visible_in_snapshot(o.xid, c.previous)) as done
         from (select * from backstitch.outbox_checkpoint order by number desc limit 1) c`,
      )
      return rows[0]?.done === true && (await written()) >= rowsCount
    })
    const duplicates = (await written()) - rowsCount
    expect(duplicates).toBeGreaterThanOrEqual(0)
    expect(duplicates).toBeLessThanOrEqual(duplicatesMax)
  } finally {
    await second.stop()
    await admin.close()
  }
})
