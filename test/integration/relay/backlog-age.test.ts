import { createOutbox, event } from 'backstitch'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { readOldestAge } from '../../../src/postgres/queries/outbox/read-oldest-age.ts'
import { type RelayWorld, relayWorld, until } from './relay-world.ts'

// What an outbox with a limit of its backlog goes by: how long the oldest unpublished message has waited.
const statement = readOldestAge('backstitch')

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const ageMs = async (): Promise<number> => {
  const { rows } = await world.pool.query<{ age_ms: number }>(statement)
  return rows[0]?.age_ms ?? Number.NaN
}

async function insertOld(secondsAgo: number, count = 1): Promise<void> {
  await world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, created_at)
     select 'order', 'k', 'order.placed', n::text, now() at time zone 'UTC' - $1 * interval '1 s' from generate_series(1, $2::integer) n`,
    [secondsAgo, count],
  )
}

/** Blocks that a look touches. */
async function blocks(): Promise<number> {
  const { rows } = await world.pool.query<{
    'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }]
  }>(`explain (analyze, buffers, format json) ${statement}`)
  const plan = rows[0]?.['QUERY PLAN'][0].Plan
  return (plan?.['Shared Hit Blocks'] ?? Number.NaN) + (plan?.['Shared Read Blocks'] ?? Number.NaN)
}

test('it is nothing when there is nothing, and once everything is published', async () => {
  expect(await ageMs()).toBe(0)
  await insertOld(3_600)
  const relay = await world.relay()
  await until('it is published', () => world.bodies().length === 1)
  await until('the checkpoint knows', async () => (await ageMs()) === 0)
  await relay.stop()
  expect(await ageMs()).toBe(0)
  await insertOld(7)
  expect(await ageMs()).toBeGreaterThan(7_000)
  expect(await ageMs()).toBeLessThan(60_000)
})

test('it counts what a transaction wrote that was open when others were published', async () => {
  const open = await world.open()
  await open.client.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, created_at)
     values ('order', 'k', 'order.placed', 'late', now() at time zone 'UTC' - interval '90 s')`,
  )
  await insertOld(3_600)
  const relay = await world.relay()
  await until('the other is published', () => world.bodies().length === 1)
  await until('the checkpoint knows', async () => (await ageMs()) === 0)
  await relay.stop()
  await open.commit()
  expect(await ageMs()).toBeGreaterThan(90_000)
  expect(await ageMs()).toBeLessThan(3_000_000)
})

test('it costs the same however many messages wait', async () => {
  await insertOld(60, 1)
  await world.pool.query('analyze')
  const few = await blocks()
  await insertOld(50, 30_000)
  expect(await ageMs()).toBeGreaterThan(60_000)
  expect(await blocks()).toBeLessThan(few + 40)
  await world.pool.query('analyze')
  expect(await blocks()).toBeLessThan(few + 40)
})

test('a relay that falls behind stops the writers, and they go on when it has caught up', async () => {
  const Placed = event('order.placed', {
    version: 1,
    key: (p) => p.key,
    payload: z.object({ key: z.string() }),
  })
  const outbox = createOutbox({ service: 'orders', backlog: { ageMsMax: 5_000, lookEveryMs: 0 } })
  const place = () => outbox.transaction(world.pool, () => outbox.enqueue(Placed.create({ key: 'k' })))
  await insertOld(10)
  await expect(place()).rejects.toMatchObject({ code: 'OUTBOX_BACKLOGGED' })
  await world.relay()
  await until('writers are let in again', () =>
    place().then(
      () => true,
      () => false,
    ),
  )
})
