import { afterAll, beforeAll, expect, test } from 'vitest'
import { PgRelayClient } from '../../../src/postgres/relay/pg-relay-client.ts'
import { openRelaySession } from '../../../src/postgres/relay/pg-relay-session.ts'
import type { RelaySession } from '../../../src/relay/relay-database.ts'
import { prometheusMetrics } from '../../../src/telemetry/prometheus-metrics.ts'
import { type RelayWorld, relayWorld, until } from './relay-world.ts'

let world: RelayWorld
let session: RelaySession

beforeAll(async () => {
  world = await relayWorld()
  const connect = () => PgRelayClient.connect({ connectionString: world.url }, 'measures', 30_000)
  const client = await connect()
  const settings = { leaseDurationMs: 3_000, pageRows: 1_000, pageBytes: 8_000_000 }
  session = await openRelaySession(client, 'backstitch', settings, connect)
})
afterAll(async () => {
  session.close()
  await world.close()
})

const snapshot = async (): Promise<string> =>
  (await world.pool.query<{ s: string }>('select pg_current_snapshot()::text as s')).rows[0]?.s ?? ''

const fill = (count: number) =>
  world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
     select 'order', 'k', 't', '' from generate_series(1, $1)`,
    [count],
  )

test('what waits is counted exactly up to a thousand rows, and estimated beyond', async () => {
  const beginning = { previous: '1:1:', current: null, position: 0n, walkFrom: 0n }
  expect(await session.measureBacklog(beginning)).toEqual({ pending: 0, oldestAgeSeconds: 0, parked: 0 })
  await world.insert('k', 'a', 'b', 'c')
  const measured = await session.measureBacklog(beginning)
  expect(measured).toMatchObject({ pending: 3, parked: 0 })
  expect(measured.oldestAgeSeconds).toBeGreaterThan(0)
  expect(measured.oldestAgeSeconds).toBeLessThan(60)

  // in the middle of a window, and after it
  const current = await snapshot()
  expect(await session.measureBacklog({ ...beginning, current, position: 2n })).toMatchObject({ pending: 1 })
  const done = { previous: current, current: null, position: 0n, walkFrom: 0n }
  expect(await session.measureBacklog(done)).toEqual({ pending: 0, oldestAgeSeconds: 0, parked: 0 })

  await fill(5_000)
  expect(await session.measureBacklog({ ...done, walkFrom: 3n })).toMatchObject({ pending: 5_000 })
})

test('a relay shows it, and what it published', async () => {
  const metrics = prometheusMetrics()
  await world.relay({ metrics, databases: [{ pool: world.pool, name: 'orders' }] })
  const shows = (line: string) => until(line, () => metrics.expose().includes(`\n${line}\n`))
  const labels = '{database="orders"}'
  await shows(`backstitch_relay_published_total${labels} 5003`)
  await shows(`backstitch_relay_lease_held${labels} 1`)
  await shows(`backstitch_relay_pending${labels} 0`)
  expect(metrics.expose()).toContain(`backstitch_relay_lag_seconds_count${labels} 5003\n`)
})
