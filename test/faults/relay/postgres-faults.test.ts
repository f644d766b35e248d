import { Client } from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import { FaultStage } from '../world/fault-stage.ts'
import type { RelayProcess } from '../world/relay-process.ts'
import { pause, until } from '../world/until.ts'

const connectionsMax = 30
let services: OwnServices
beforeAll(async () => {
  services = await startServices({
    own: true,
    postgres: {
      parameters: {
        max_connections: String(connectionsMax),
        max_wal_senders: '0',
        max_replication_slots: '0',
        wal_level: 'replica',
      },
    },
    kafka: true,
  })
})
afterAll(() => services.stop())

async function openStage(): Promise<{ stage: FaultStage; relay: RelayProcess }> {
  const stage = await FaultStage.open(services)
  onTestFinished(() => stage.close())
  const relay = stage.startRelay()
  stage.startWriters('postgres')
  await stage.untilMore(100)
  return { stage, relay }
}

test('a server that is killed and started again loses nothing that was committed, and the topic has nothing that was not (rules A2, C20)', async () => {
  const { stage, relay } = await openStage()
  for (let round = 0; round < 2; round++) {
    await services.postgres.kill('SIGKILL')
    await pause(500)
    await services.postgres.restart()
    await stage.untilMore(100)
  }
  await until('the relay works', () => relay.state === 'running')
  expect(await stage.brokenPromises()).toEqual([])
})

test('every session is ended in turn, the relay’s own among them, while all are at work', async () => {
  const { stage, relay } = await openStage()
  for (let round = 0; round < 3; round++) {
    const { rows } = await stage.pool.query<{ pid: number }>(
      'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    expect(rows.length).toBeGreaterThan(1)
    for (const { pid } of rows) {
      await stage.pool.query('select pg_terminate_backend($1)', [pid]).catch(() => undefined)
      await pause(30)
    }
    await stage.untilMore(50)
  }
  await until('the relay works', () => relay.state === 'running')
  expect(await stage.brokenPromises()).toEqual([])
})

test('a relay that finds no connection free says so, and goes on as soon as there is one', async () => {
  const { stage, relay } = await openStage()
  const taken: Client[] = []
  /** Takes what is free; false when nothing is. */
  const take = async (): Promise<boolean> => {
    const client = new Client({ connectionString: services.postgres.url })
    client.on('error', () => undefined)
    try {
      await client.connect()
      taken.push(client)
      return true
    } catch {
      return false
    }
  }
  const free = async (): Promise<void> => {
    await Promise.all(taken.splice(0).map((client) => client.end().catch(() => undefined)))
  }
  onTestFinished(free)
  while (await take()) if (taken.length > connectionsMax) throw new Error('there is no limit')
  const [first] = taken
  await until('the relay has no session and gets none', async () => {
    await first?.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'relay-under-test'`,
    )
    await take()
    return relay.state === 'failing'
  })
  await pause(1_500)
  await free()
  await until('the relay works again', () => relay.state === 'running')
  await stage.untilMore(100)
  expect(await stage.brokenPromises()).toEqual([])
})
