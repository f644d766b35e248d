import { expect, test } from 'vitest'
import { leafWorld } from './leaf-world.ts'
import { until } from '../relay-world.ts'

/** `FLOOR_ROWS=5000000` for the drain that the outbox is made for. */
const rowCount = Number(process.env['FLOOR_ROWS'] ?? 300_000)

/** Bytes of the outbox, without what leaves of a fresh one take. */
const sizes = `select sum(pg_total_relation_size(inhrelid))::bigint::text as bytes, count(*)::int as leaves, coalesce(sum(n_live_tup), 0)::int as live,
  coalesce(sum(n_dead_tup), 0)::int as dead
from pg_inherits left join pg_stat_all_tables on relid = inhrelid where inhparent = 'backstitch.outbox'::regclass`

test(`after a drain of ${rowCount} rows the outbox is at its floor, without a dead row, while an old snapshot is held`, async () => {
  const world = await leafWorld()
  const size = async () => {
    await world.pool.query('select pg_stat_clear_snapshot()')
    const { rows } = await world.pool.query<{ bytes: string; leaves: number; live: number; dead: number }>(
      sizes,
    )
    const [row] = rows
    if (!row) throw new Error('the outbox has no leaves')
    return { ...row, bytes: Number(row.bytes) }
  }
  const fresh = await size()
  const old = await world.pool.connect()
  await old.query('begin isolation level repeatable read')
  await old.query('select pg_current_xact_id()')
  const relay = await world.relay()
  const batch = 50_000
  for (let n = 0; n < rowCount; n += batch)
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
       select 'order', 'k-' || g % 1000, 't', repeat('x', 300) from generate_series(1, ${batch}) g`,
    )
  // what is written into the last leaf stays there until that is full
  await world.moveTo(Math.ceil((rowCount + 1) / 250_000) * 250_000)
  await world.insert('k', 'last')
  await until('all is delivered', () => relay.status()[0]?.published === rowCount + 1, rowCount)
  await until('the outbox is at its floor', async () => (await size()).bytes <= fresh.bytes + 200_000, 60_000)
  await until('its leaves are few', async () => (await size()).leaves <= fresh.leaves + 2, 60_000)
  const end = await size()
  console.info('floor', { fresh, end })
  expect(end.dead).toBe(0)
  await old.query('rollback')
  old.release()
  await world.close()
}, 900_000)
