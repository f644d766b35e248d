import { createRelay } from 'backstitch'
import { inMemoryTransport } from 'backstitch/testing'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import { brokenPromises } from '../world/broken-promises.ts'
import { faultPool, migrateFaults } from '../world/fault-pool.ts'
import { FaultWriters } from '../world/fault-writers.ts'
import { until } from '../world/until.ts'

const topic = 'outbox.event.fault'
/** The same for all tests here: they share a database, in which the number is pinned (rule C21). */
const partitions = 4
let services: OwnServices
beforeAll(async () => {
  services = await startServices({
    postgres: {
      // what is committed asynchronously stays off the disk for long, unless somebody forces it there
      parameters: { wal_writer_delay: '10000', wal_writer_flush_after: '0', checkpoint_timeout: '1h' },
    },
    kafka: false,
    own: true,
  })
})
afterAll(() => services.stop())

test('after crashes of Postgres no committed row is lost, though transaction numbers are used again (rule A2), and none was published that is gone (rule C20)', async () => {
  const { postgres } = services
  const pool = faultPool(postgres.url)
  await migrateFaults(pool)
  const transport = inMemoryTransport({ topics: { [topic]: partitions } })
  const relay = createRelay({ databases: [pool], transport, leaseDurationMs: 1_000 })
  onTestFinished(() => relay.stop())
  await relay.start()
  const bodies = () => transport.records(topic).map(({ value }) => String(value))
  const safe = new FaultWriters(pool, 'safe')
  // alone for a while, so that nobody else’s commit brings theirs to disk
  const count = () => bodies().length
  await until('rows flow', () => count() > 200)

  for (let crash = 0; crash < 3; crash++) {
    const before = count()
    await until('rows flow', () => count() > before + 100)
    const pause =
      crash === 1 ? new FaultWriters(pool, `loose-${crash}`, { synchronousCommit: 'off' }) : undefined
    if (pause) await until('loose rows flow', () => pause.committed.length > 50)
    await postgres.kill('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 300))
    await postgres.restart()
    await pause?.stop()
    await until('the relay works again', () => relay.health().state === 'running')
  }
  await safe.stop()
  const late = new FaultWriters(pool, 'late')
  await until('rows flow', () => late.committed.length > 50)
  await late.stop()

  const committed = [...safe.committed, ...late.committed]
  await until('all is published', () => {
    const published = new Set(bodies())
    return committed.every((body) => published.has(body))
  })
  const { rows } = await pool.query<{ body: string }>('select body from fault_written')
  const delivered = transport
    .records(topic)
    .map(({ key, value, partition }) => ({ key: String(key), body: String(value), partition }))
  expect(brokenPromises(new Set(rows.map(({ body }) => body)), delivered)).toEqual([])
  await relay.stop()
  await pool.end()
})

test('a row that was committed asynchronously is on disk before it is published (rule C20)', async () => {
  const { postgres } = services
  const pool = faultPool(postgres.url)
  const transport = inMemoryTransport({ topics: { [topic]: partitions } })
  for (let round = 0; round < 5; round++) {
    const relay = createRelay({ databases: [pool], transport, leaseDurationMs: 1_000 })
    onTestFinished(() => relay.stop())
    await relay.start()
    await pool.query(
      `set synchronous_commit = off; insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('fault', 'k', 't', 'loose ${round}')`,
    )
    await until('it is published', () =>
      transport.records(topic).some(({ value }) => String(value) === `loose ${round}`),
    )
    await postgres.kill('SIGKILL')
    await postgres.restart()
    const { rows } = await pool
      .query(`select from backstitch.outbox where payload = 'loose ${round}'`)
      .catch(() => pool.query(`select from backstitch.outbox where payload = 'loose ${round}'`))
    expect(rows).toHaveLength(1)
    await relay.stop()
  }
  await pool.end()
})

test('a frozen server is given up in time, and served again when it wakes', async () => {
  const { postgres } = services
  const pool = faultPool(postgres.url)
  const transport = inMemoryTransport({ topics: { [topic]: partitions } })
  const relay = createRelay({ databases: [pool], transport, leaseDurationMs: 1_000 })
  onTestFinished(() => relay.stop())
  await relay.start()
  await postgres.kill('SIGSTOP')
  await until('the relay says so', () => relay.health().state === 'failing', 5_000)
  expect(relay.health().reason).toContain('DATABASE_UNREACHABLE')
  await postgres.kill('SIGCONT')
  await until('it works again', () => relay.health().state === 'running', 10_000)
  await pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('fault', 'k', 't', 'thawed')`,
  )
  await until('it is published', () =>
    transport.records(topic).some(({ value }) => String(value) === 'thawed'),
  )
  await relay.stop()
  await pool.end()
})
