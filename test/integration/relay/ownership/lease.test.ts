import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pgRelayDatabase } from '../../../../src/postgres/relay/pg-relay-database.ts'
import type { RelaySession } from '../../../../src/relay/relay-database.ts'
import { type RelayWorld, relayWorld, topic, until } from '../relay-world.ts'

let world: RelayWorld
const sessions: RelaySession[] = []
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(async () => {
  for (const session of sessions.splice(0)) session.close()
  await world.close()
})

const leaseDurationMs = 600

async function session(): Promise<RelaySession> {
  const opened = await pgRelayDatabase(world.pool).connect({
    leaseDurationMs,
    pageRows: 100,
    pageBytes: 1_000_000,
  })
  sessions.push(opened)
  return opened
}

const cursor = {
  previous: '700:700:',
  current: null,
  position: 0n,
  walkFrom: 0n,
  lowWater: 0n,
  sequenceHigh: 3n,
}

describe('the lease of an outbox', () => {
  test('is taken by one of two, whose first checkpoint stands before all transactions', async () => {
    const [a, b] = [await session(), await session()]
    expect((await a.view()).checkpoint).toBeUndefined()
    const taken = await Promise.all([a.acquire('a', leaseDurationMs), b.acquire('b', leaseDurationMs)])
    const [winner, ...others] = taken.filter((checkpoint) => checkpoint !== undefined)
    expect(others).toEqual([])
    expect(winner).toMatchObject({ number: 1n, epoch: 1n, cursor: { previous: '1:1:', current: null } })
    const { rows } = await world.pool.query(
      'select system_identifier::text, timeline_id from pg_control_system(), pg_control_checkpoint()',
    )
    expect([winner?.systemIdentifier, winner?.timeline]).toEqual([
      rows[0].system_identifier,
      rows[0].timeline_id,
    ])
  })

  test('is free at once when it is given back, and after its time otherwise', async () => {
    const [a, b] = [await session(), await session()]
    await a.acquire('a', leaseDurationMs)
    expect(await b.acquire('b', leaseDurationMs)).toBeUndefined()
    const view = await b.view()
    expect(view.owner).toBe('a')
    expect(view.remainingMs).toBeGreaterThan(0)
    expect(view.remainingMs).toBeLessThanOrEqual(leaseDurationMs)
    await a.save({ epoch: 1n, owner: 'a', leaseDurationMs, cursor, release: true })
    expect(await b.view()).toMatchObject({ owner: undefined, checkpoint: { epoch: 1n, cursor } })
    expect(await b.acquire('b', leaseDurationMs)).toMatchObject({ epoch: 2n, number: 3n, cursor })
    await until('its time is over', async () => (await a.view()).remainingMs < 0)
    expect(await a.acquire('a', leaseDurationMs)).toMatchObject({ epoch: 3n })
  })

  test('is taken again at once by its own owner, whose session failed', async () => {
    const [a, b] = [await session(), await session()]
    await a.acquire('a', leaseDurationMs)
    expect(await b.acquire('a', leaseDurationMs)).toMatchObject({ epoch: 2n })
    expect(await a.save({ epoch: 1n, owner: 'a', leaseDurationMs, cursor })).toBeUndefined()
  })

  test('and the checkpoint are one: an owner that lost it saves neither its place nor its parked rows (rule B14)', async () => {
    const [a, b] = [await session(), await session()]
    await world.insert('k', 'one', 'two')
    await a.acquire('a', 1)
    await until('its time is over', async () => (await a.view()).remainingMs < 0)
    expect(await b.acquire('b', leaseDurationMs)).toMatchObject({ cursor: { position: 0n } })
    const parked = [{ seq: '1', topic, code: 'OUTBOX_RECORD_REFUSED', reason: 'too large' }] as const
    const late = {
      epoch: 1n,
      owner: 'a',
      leaseDurationMs,
      cursor: { ...cursor, position: 20n },
      quarantine: { parked },
    }
    expect(await a.save(late)).toBeUndefined()
    expect(await b.readParked()).toEqual({ keys: [], topics: [], partitions: [] })
    expect((await b.view()).checkpoint?.cursor.position).toBe(0n)
    const mine = {
      epoch: 2n,
      owner: 'b',
      leaseDurationMs,
      cursor: { ...cursor, position: 10n },
      quarantine: { parked },
    }
    expect(await b.save(mine)).toMatchObject({ number: 3n })
    expect(await b.save(mine), 'parking twice changes nothing').toMatchObject({ number: 4n })
    expect(await b.readParked()).toEqual({
      keys: [{ topic, key: 'k', refused: true }],
      topics: [],
      partitions: [],
    })
  })

  test('and its checkpoint outlive no frozen owner: no lock of ours is left behind a statement (rule B13)', async () => {
    const frozen = await session()
    await frozen.acquire('frozen', leaseDurationMs)
    // whatever it was about to do next, it stopped here; no transaction of it is open
    const { rows } = await world.pool.query<{ state: string }>(
      `select state from pg_stat_activity where application_name = 'backstitch relay' and datname = current_database()`,
    )
    expect(rows).toEqual([{ state: 'idle' }])
    const startedAtMs = performance.now()
    await world.relay({ leaseDurationMs })
    await until('it is taken over', () => world.lines.includes('owns the outbox'))
    expect(performance.now() - startedAtMs).toBeLessThan(leaseDurationMs + 1_000)
  })

  test('limits every session: statements, locks and idle transactions end before it does (rule B13)', async () => {
    await world.relay({ leaseDurationMs })
    const blocker = await world.open()
    await blocker.client.query('lock backstitch.outbox_checkpoint in access exclusive mode')
    await until('the session gave up', () => world.lines.some((line) => /fail|does not answer/.test(line)))
    await blocker.rollback()
    await world.insert('k', 'one')
    await until('it works again', () => world.bodies().length === 1)
  })
})

describe('of two relays', () => {
  test('one works, and the other goes on at once when it is stopped', async () => {
    const first = await world.relay()
    const second = await world.relay()
    expect([first.health().state, second.health().state]).toEqual(['running', 'standby'])
    await world.insert('k', 'one')
    await until('it is delivered', () => world.bodies().length === 1)
    const startedAtMs = performance.now()
    await first.stop()
    await world.insert('k', 'two')
    await until('the next is delivered', () => world.bodies().length === 2)
    expect(performance.now() - startedAtMs).toBeLessThan(1_500)
    expect(world.bodies()).toEqual(['one', 'two'])
  })

  test('the one that cannot renew stops by itself, and the other goes on within the lease', async () => {
    let fails = false
    const held = Promise.withResolvers<void>()
    const first = await world.relay({
      leaseDurationMs,
      testSignals: {
        reach: (point) => (fails && point === 'relay.checkpoint.before' ? held.promise : undefined),
      },
    })
    const second = await world.relay({ leaseDurationMs })
    fails = true
    await until('the other one took over', () => second.health().state === 'running')
    await world.insert('k', 'one')
    await until('it is delivered', () => world.bodies().length >= 1)
    held.resolve()
    await until('the first one stands by', () => first.health().state === 'standby')
    await world.insert('k', 'two')
    await until('it is delivered', () => world.bodies().includes('two'))
    expect([...new Set(world.bodies())]).toEqual(['one', 'two'])
  })
})

describe('a checkpoint', () => {
  test.each([
    ['of another cluster', 'system_identifier = system_identifier + 1', 'OUTBOX_CHECKPOINT_FOREIGN'],
    [
      'that knows transactions which this database has not seen',
      `previous = '900000000000:900000000000:'`,
      'OUTBOX_CHECKPOINT_AHEAD',
    ],
  ])('%s is not published under, and the other databases are', async (_, change, code) => {
    const first = await world.relay()
    await first.stop()
    await world.pool.query(`update backstitch.outbox_checkpoint set ${change}`)
    const other = await relayWorld()
    try {
      await world.insert('k', 'never')
      await other.insert('k', 'other')
      const relay = await world.relay({
        databases: [
          { pool: world.pool, name: 'restored' },
          { pool: other.pool, name: 'other' },
        ],
      })
      await until('the other one is delivered', () => world.bodies().length === 1)
      expect(relay.health()).toMatchObject({ state: 'failing' })
      expect(relay.health().reason).toContain(code)
      expect(world.bodies()).toEqual(['other'])
      await relay.stop()
    } finally {
      await other.close()
    }
  })
})
