import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pgRelayDatabase } from '../../../../src/postgres/relay/pg-relay-database.ts'
import type { Relay } from '../../../../src/relay/relay.ts'
import type { RelaySession } from '../../../../src/relay/relay-database.ts'
import { type RelayWorld, relayWorld, until } from '../relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

/** As a new outbox would have them: before any relay has owned it. */
async function shard(count: number): Promise<void> {
  await world.pool.query('update backstitch.outbox_sharding set shard_count = $1, settled_count = $1', [
    count,
  ])
}

const sharesOf = (relays: readonly Relay[]): number[] =>
  relays.map((relay) => relay.status()[0]?.shards.length ?? 0).toSorted((a, b) => b - a)

describe('an outbox of several shards', () => {
  test('is published whole and in order by one relay, each shard from a checkpoint of its own', async () => {
    await shard(4)
    const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`)
    for (const key of keys) await world.insert(key, `${key}:1`, `${key}:2`)
    const relay = await world.relay()
    await until('it has all shards', () => relay.status()[0]?.shards.length === 4)
    for (const key of keys) await world.insert(key, `${key}:3`)
    await until('all is delivered', () => world.bodies().length === 36)
    for (const key of keys)
      expect(world.bodies().filter((body) => body.startsWith(`${key}:`))).toEqual(
        [1, 2, 3].map((n) => `${key}:${n}`),
      )
    await relay.stop()
    const { rows } = await world.pool.query(
      'select shard, count(*) > 0 as saved from backstitch.outbox_checkpoint group by shard order by shard',
    )
    expect(rows).toEqual([0, 1, 2, 3].map((shard) => ({ shard, saved: true })))
    const next = await world.relay()
    await world.insert('key-0', 'key-0:4')
    await until('what comes later is delivered', () => world.bodies().includes('key-0:4'))
    expect(world.bodies()).toHaveLength(37)
    await next.stop()
  })

  test('reads a large backlog in pages, also where a transaction was open for long, and a shard without rows does not go through it at each look', async () => {
    await shard(3)
    const relay = await world.relay({ pageRows: 50 })
    const open = await world.open()
    await open.client.query(`insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
      select 'order', 'key-' || n % 7, 't', 'early-' || n from generate_series(1, 500) n`)
    await world.pool.query(`insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
      select 'order', 'key-' || n % 7, 't', 'bulk-' || n from generate_series(1, 3000) n`)
    await until('the bulk is delivered', () => world.bodies().length === 3_000)
    await open.commit()
    await until('the early rows are delivered', () => world.bodies().length === 3_500)
    expect(new Set(world.bodies()).size).toBe(3_500)
    for (let key = 0; key < 7; key++)
      for (const kind of ['early', 'bulk']) {
        const numbers = world
          .bodies()
          .filter((body) => body.startsWith(kind))
          .map((body) => Number(body.split('-')[1]))
          .filter((n) => n % 7 === key)
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      }
    await relay.stop()
  })

  test('parks a key in its shard only', async () => {
    await shard(2)
    await world.transport
      .admin()
      .createTopics([{ topic: 'outbox.event.small', partitions: 2, config: { 'max.message.bytes': '500' } }])
    const poison = 'x'.repeat(1_000)
    const relay = await world.relay()
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
       select 'small', 'a', 't', p from unnest($1::text[]) with ordinality as p (p, n) order by n`,
      [[poison, 'waits']],
    )
    await world.insert('order-1', 'flows')
    await until('the other key flows', () => world.bodies().includes('flows'))
    await until('the key is parked', () => relay.status()[0]?.parkedKeys === 1)
    await until('it is saved', async () => {
      const { rows } = await world.pool.query(
        `select shard, backstitch.outbox_shard(aggregateid, 2) as hashed, left(payload, 5) as payload from backstitch.outbox_quarantine order by seq`,
      )
      return (
        JSON.stringify(rows) ===
        JSON.stringify([
          { shard: 0, hashed: 0, payload: 'xxxxx' },
          { shard: 0, hashed: 0, payload: 'waits' },
        ])
      )
    })
  })
})

describe('relays', () => {
  test('share the shards fairly, whoever comes and goes', async () => {
    await shard(8)
    const first = await world.relay()
    await until('one has all', () => sharesOf([first])[0] === 8)
    const second = await world.relay()
    await until('two have four each', () => sharesOf([first, second]).join() === '4,4')
    const third = await world.relay()
    const three = [first, second, third]
    await until('three have a third each', () => sharesOf(three).join() === '3,3,2')
    for (let n = 0; n < 40; n++) await world.insert(`key-${n}`, `${n}:1`, `${n}:2`)
    await until('all is delivered', () => world.bodies().length === 80)
    await second.stop()
    await until('the others have its shards', () => sharesOf([first, third]).join() === '4,4')
    for (let n = 0; n < 40; n++) await world.insert(`key-${n}`, `${n}:3`)
    await until('all is delivered', () => world.bodies().length === 120)
    for (let n = 0; n < 40; n++)
      expect(world.bodies().filter((body) => body.startsWith(`${n}:`))).toEqual([
        `${n}:1`,
        `${n}:2`,
        `${n}:3`,
      ])
    const { rows } = await world.pool.query<{ owners: number; most: number }>(
      `select count(*)::int as owners, max(n)::int as most from (
         select owner, count(*) as n from (
           select distinct on (shard) shard, owner from backstitch.outbox_checkpoint order by shard, number desc
         ) newest where owner is not null group by owner) o`,
    )
    expect(rows).toEqual([{ owners: 2, most: 4 }])
  })

  test('hold one connection for an outbox that another one publishes', async () => {
    await world.relay()
    const standby = await world.relay()
    expect(standby.health()).toEqual({ state: 'standby' })
    const { rows } = await world.pool.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where application_name = 'backstitch relay' and datname = current_database()`,
    )
    expect(rows).toEqual([{ n: 3 }])
  })

  test('take a shard that is left for dead above their share, and count a process that does not look for a frozen one', async () => {
    await shard(2)
    const leaseDurationMs = 600
    // it shows that it is there, and then never looks again
    const frozen = await pgRelayDatabase(world.pool).steward({ leaseDurationMs })
    try {
      const relay = await world.relay({ leaseDurationMs })
      await until('it has both', () => sharesOf([relay])[0] === 2)
      await frozen.look()
      await until('the other one is counted', async () => (await frozen.look()).relays === 2)
    } finally {
      frozen.close()
    }
  })
})

describe('the number of shards', () => {
  test('that was changed by hand ends the start, with the way out', async () => {
    const first = await world.relay()
    await first.stop()
    await world.pool.query('update backstitch.outbox_sharding set shard_count = 4')
    await expect(world.relay()).rejects.toThrow(
      /OUTBOX_SHARDS_CHANGED.*4 by hand.*know 1.*backstitch outbox shards/,
    )
    await world.pool.query('update backstitch.outbox_sharding set shard_count = 1')
    await world.relay()
  })

  test('is checked against the configuration', async () => {
    await expect(world.relay({ databases: [{ pool: world.pool, shards: 4 }] })).rejects.toThrow(
      /OUTBOX_SHARDS_CHANGED.*it has 1, the configuration says 4/,
    )
    await shard(4)
    const relay = await world.relay({ databases: [{ pool: world.pool, shards: 4 }] })
    await until('it works', () => sharesOf([relay])[0] === 4)
  })

  test('is looked at once more when the lease is taken', async () => {
    const session = await pgRelayDatabase(world.pool).connect(settings)
    try {
      await shard(2)
      expect(await session.acquire('late', 1_000)).toBeUndefined()
      await expect(pgRelayDatabase(world.pool).connect(settings)).rejects.toMatchObject({
        code: 'OUTBOX_SHARDS_CHANGED',
      })
    } finally {
      session.close()
    }
  })
})

describe('checkpoints of several shards', () => {
  const cursor = {
    previous: '1:1:',
    current: null,
    position: 0n,
    walkFrom: 0n,
    lowWater: 0n,
    sequenceHigh: 0n,
  }
  const slots = async (): Promise<number[]> => {
    const { rows } = await world.pool.query<{ n: number }>(
      `select count(*)::int as n from backstitch.outbox_checkpoint_0 union all select count(*)::int from backstitch.outbox_checkpoint_1`,
    )
    return rows.map(({ n }) => n)
  }
  let sessions: RelaySession[]
  beforeEach(async () => {
    await shard(2)
    sessions = await Promise.all(
      [0, 1].map((number) =>
        pgRelayDatabase(world.pool).connect({ ...settings, shard: { number, count: 2 } }),
      ),
    )
  })
  afterEach(() => {
    for (const session of sessions) session.close()
  })

  test('are truncated only once no shard has its newest there', async () => {
    const [busy, idle] = sessions
    if (!busy || !idle) throw new Error('there are no sessions')
    const lease = { epoch: 1n, owner: 'a', leaseDurationMs: 60_000, cursor }
    await busy.acquire('a', 60_000)
    await idle.acquire('a', 60_000)
    expect(await busy.save({ ...lease, leapTo: 4_100n })).toMatchObject({ number: 4_100n })
    expect(await slots(), 'the number next in line is written too').toEqual([3, 1])
    expect(await busy.truncateCheckpoints(0), 'it is not done, so there is another try').toBe(false)
    expect(await slots()).toEqual([3, 1])
    expect(await idle.save({ ...lease, leapTo: 4_096n })).toMatchObject({ number: 4_096n })
    expect(await busy.truncateCheckpoints(0)).toBe(true)
    expect(await slots()).toEqual([0, 2])
    expect(await busy.truncateCheckpoints(0), 'what is empty need not be emptied').toBe(true)
    expect((await idle.view()).checkpoint?.number).toBe(4_096n)
  })

  test('that leap exclude a taker of the lease as every save does', async () => {
    const [session] = sessions
    const other = await pgRelayDatabase(world.pool).connect({ ...settings, shard: { number: 0, count: 2 } })
    try {
      await session?.acquire('a', 1)
      await until('its time is over', async () => ((await session?.view())?.remainingMs ?? 0) < 0)
      const [saved, taken] = await Promise.all([
        session?.save({ epoch: 1n, owner: 'a', leaseDurationMs: 60_000, cursor, leapTo: 5_000n }),
        other.acquire('b', 60_000),
      ])
      expect([saved, taken].filter((won) => won !== undefined)).toHaveLength(1)
    } finally {
      other.close()
    }
  })
})

const settings = { leaseDurationMs: 600, pageRows: 100, pageBytes: 1_000_000 }
