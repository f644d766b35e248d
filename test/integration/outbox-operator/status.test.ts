import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RelayWorld, relayWorld, until } from '../relay/relay-world.ts'
import { createOutboxOperator } from '../../../src/runtime/outbox-operator.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const status = () => createOutboxOperator({ database: world.pool }).status()

test('tells of an outbox that nobody has published yet', async () => {
  await world.insert('a', '1', '2')
  const state = await status()
  expect(state.shards).toEqual([
    {
      shard: 0,
      leaseRemainingMs: 0,
      epoch: '0',
      pending: { count: 2, more: false },
      oldestPendingAt: expect.any(Date) as Date,
    },
  ])
  expect(Math.abs(Date.now() - (state.shards[0]?.oldestPendingAt?.getTime() ?? 0))).toBeLessThan(60_000)
  expect(state.quarantine).toEqual({
    rows: { count: 0, more: false },
    keys: { count: 0, more: false },
    topics: [],
  })
  expect(state.leaves.filter(({ isDefault }) => isDefault)).toHaveLength(1)
  expect(state.leaves.at(-1)).toMatchObject({ name: 'outbox_default', bounds: 'DEFAULT' })
  expect(state.leaves[0]).toMatchObject({ name: 'outbox_0', bounds: "FOR VALUES FROM ('0') TO ('250000')" })
  expect(state.leaves[0]?.bytes).toBeGreaterThan(0)
  expect(state.defaultLeafRows).toEqual({ count: 0, more: false })
})

test('tells who owns it, what is pending behind an open transaction, and when nothing is', async () => {
  await world.relay({ owner: 'host-a' })
  const writer = await world.open()
  await writer.client.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'slow', 't', '{}')`,
  )
  await world.insert('a', '1')
  await until('the other one is published', () => world.bodies().length === 1)
  await until('nothing is pending', async () => (await status()).shards[0]?.pending.count === 0)
  const [shard] = (await status()).shards
  expect(shard).toMatchObject({ shard: 0, epoch: '1', owner: expect.stringContaining('host-a') as string })
  expect(shard?.leaseRemainingMs).toBeGreaterThan(0)
  expect(shard?.leaseRemainingMs).toBeLessThanOrEqual(3_000)
  expect(shard?.window).toBeUndefined()
  await writer.commit()
  await until('it is published', () => world.bodies().length === 2)
})

test('counts what came under a snapshot that is open, what is parked, and strays in the default leaf', async () => {
  const relay = await world.relay()
  await world.insert('a', '1')
  await until('it is published', () => world.bodies().length === 1)
  const writer = await world.open()
  await writer.client.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'slow', 't', '{}')`,
  )
  await world.insert('a', '2')
  await until('the second is published', () => world.bodies().length === 2)
  await relay.stop()
  await world.insert('a', '3')
  // it was under way at the last checkpoint, and is found by its transaction
  await writer.commit()
  expect((await status()).shards[0]?.pending).toEqual({ count: 2, more: false })
  await world.pool.query(`select setval('backstitch.outbox_seq_seq', 9000000)`)
  await world.insert('b', '4')
  await world.pool.query(
    `insert into backstitch.outbox_quarantine (seq, shard, topic, id, aggregatetype, aggregateid, type, version, created_at, reason_code, reason)
     select n, 0, 't-' || n % 3, gen_random_uuid(), 'order', 'k-' || n % 10, 't', 1, now(),
       case when n <= 10 then 'OUTBOX_RECORD_REFUSED' else 'OUTBOX_KEY_PARKED' end, 'r' from generate_series(1, 12000) n`,
  )
  const state = await status()
  expect(state.quarantine).toMatchObject({
    rows: { count: 10_000, more: true },
    keys: { count: 10, more: false },
    topics: ['t-0', 't-1', 't-2'],
  })
  expect(state.defaultLeafRows).toEqual({ count: 1, more: false })
})

test('tells how far a backlog is', async () => {
  await world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) select 'order', 'k-' || n % 50, 't', '{}' from generate_series(1, 9000) n`,
  )
  const first = await world.relay({ pageRows: 100 })
  await until('some are published', () => world.bodies().length > 500)
  await first.stop()
  const { rows } = await world.pool.query<{ position: string; current: string | null }>(
    'select position, current from backstitch.outbox_checkpoint order by number desc limit 1',
  )
  expect(rows[0]?.current).not.toBeNull()
  const [shard] = (await status()).shards
  expect(shard?.window).toEqual({ position: rows[0]?.position, end: '9000' })
  expect(shard?.pending).toEqual({ count: 9_000 - Number(rows[0]?.position), more: false })
  expect(shard?.owner).toBeUndefined()
})
