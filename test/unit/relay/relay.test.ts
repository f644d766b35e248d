import { describe, expect, onTestFinished, test } from 'vitest'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import { relayOver } from '../../../src/relay/relay.ts'
import { codeThrownBy } from '../thrown-code.ts'
import { FakeDatabase } from './fake-database.ts'
import { rowOf, rowsOf } from './rows.ts'
import { setUp } from './set-up.ts'
import { until } from './until.ts'

describe('a relay', () => {
  test('publishes what is there and what comes, in order, and gives the lease back when it stops', async () => {
    const { database, transport, relay } = setUp()
    database.insert(...rowsOf(3))
    expect(relay.health()).toEqual({ state: 'starting' })
    await relay.start()
    await until('the first rows are published', () => transport.bodies.length === 3)
    database.insert(...rowsOf(2, 7, 4))
    await until('the others are published', () => transport.bodies.length === 5)
    expect(transport.bodies).toEqual(['1', '2', '3', '4', '5'])
    expect(relay.health()).toEqual({ state: 'running' })
    expect(relay.status()).toEqual([
      {
        database: 'orders',
        health: { state: 'running' },
        shards: [0],
        published: 5,
        parkedKeys: 0,
        parkedTopics: [],
        heldPartitions: [],
        leaves: { count: expect.any(Number) as number, isDefaultInUse: false },
        changedTopics: [],
      },
    ])
    await relay.stop()
    expect(relay.health()).toEqual({ state: 'stopped' })
    expect(database.checkpoint).toMatchObject({ owner: undefined, cursor: { current: null } })
    expect(database.sessions[0]?.isClosed).toBe(true)
    expect(transport.publishers.every(({ state }) => state === 'closed')).toBe(true)
  })

  test('reads a large window in pages and saves each', async () => {
    const { database, transport, relay } = setUp({ pageRows: 10 })
    database.insert(...rowsOf(95, 5))
    await relay.start()
    await until('all rows are published', () => transport.bodies.length === 95)
    const ofKey = (n: number) => transport.bodies.filter((body) => (Number(body) - 1) % 5 === n)
    for (let key = 0; key < 5; key++)
      expect(ofKey(key)).toEqual(ofKey(key).toSorted((a, b) => Number(a) - Number(b)))
    await until('the end is saved', () => database.checkpoint?.cursor.current === null)
    const positions = database.saves.flatMap(({ cursor }) =>
      cursor.current === null ? [] : [Number(cursor.position)],
    )
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    expect(new Set(positions).size).toBeGreaterThanOrEqual(9)
  })

  test('begins again where the last one saved', async () => {
    const { database, transport, relay } = setUp({ pageRows: 10 })
    database.insert(...rowsOf(30))
    await relay.start()
    await until('all rows are published', () => transport.bodies.length === 30)
    await relay.stop()
    const next = relayOver({ databases: [database], transport })
    onTestFinished(() => next.stop())
    database.insert(rowOf({ seq: '31', payload: '31' }))
    await next.start()
    await until('the next row is published', () => transport.bodies.length > 30)
    expect(transport.bodies.slice(30)).toEqual(['31'])
  })

  test('stands by while another owns the outbox, and takes over at once when it stops', async () => {
    const { database, transport, relay } = setUp()
    await relay.start()
    const other = relayOver({ databases: [database], transport, leaseDurationMs: 300 })
    onTestFinished(() => other.stop())
    await other.start()
    expect(other.health()).toEqual({ state: 'standby' })
    const epoch = database.checkpoint?.epoch
    await relay.stop()
    await until('the other one owns it', () => other.health().state === 'running')
    expect(database.checkpoint?.epoch).toBe((epoch ?? 0n) + 1n)
  })

  test('renews its lease while Kafka does not answer, and keeps the order', async () => {
    const { database, transport, relay } = setUp()
    await relay.start()
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    transport.answer = () => ({ kind: 'failed', failure: { kind: 'unknown', reason: 'gone' } })
    database.insert(...rowsOf(4))
    await until('it is failing', () => relay.health().state === 'failing')
    expect(relay.health().reason).toMatch(/^Kafka: /)
    const before = database.saves.length
    await until('it renews', () => database.saves.length > before + 2)
    expect(database.checkpoint?.epoch).toBe(1n)
    transport.unreachable = undefined
    transport.answer = () => ({ kind: 'acknowledged' })
    await until('all is published', () => transport.bodies.length === 4)
    expect(transport.bodies).toEqual(['1', '2', '3', '4'])
    expect(relay.health()).toEqual({ state: 'running' })
  })

  test('never gives a publish more time than its lease has left', async () => {
    const { database, transport, relay } = setUp()
    await relay.start()
    for (let n = 1; n <= 20; n++) {
      database.insert(rowOf({ seq: String(n), payload: String(n) }))
      await until('it is published', () => transport.bodies.length === n)
    }
    for (const ms of transport.deadlinesMs) {
      expect(ms).toBeGreaterThan(0)
      expect(ms).toBeLessThanOrEqual(270)
    }
  })

  test('publishes nothing that is not on disk yet (rule C20)', async () => {
    const { database, transport, relay } = setUp()
    const order: string[] = []
    database.before = (call) => void (call.startsWith('flush') && order.push(call))
    transport.answer = () => {
      order.push('publish')
      return { kind: 'acknowledged' }
    }
    await relay.start()
    database.flushedTo = 0n
    database.insert(rowOf())
    await until('it is published', () => transport.bodies.length === 1)
    expect(order).toEqual(['flushedTo', 'flushedTo', 'flushedTo', 'flush', 'publish'])
    order.length = 0
    database.flushedTo = 1n
    database.insert(rowOf({ seq: '2' }))
    await until('it is published', () => transport.bodies.length === 2)
    expect(order).toEqual(['publish'])
  })

  test('reads nothing from a standby and says what it waits for (rule A3)', async () => {
    const { database, transport, relay, lines } = setUp()
    await relay.start()
    database.inRecovery = true
    database.insert(rowOf())
    await until('it is failing', () => relay.health().state === 'failing')
    expect(relay.health().reason).toContain('DATABASE_IS_STANDBY')
    await until('it tried again', () => database.sessions.length > 2)
    expect(transport.batches).toEqual([])
    expect(lines.filter(({ code }) => code === 'DATABASE_IS_STANDBY')).toEqual([
      {
        level: 'warn',
        code: 'DATABASE_IS_STANDBY',
        line: 'waiting for a primary: this database is a standby',
      },
    ])
    database.inRecovery = false
    await until('it publishes', () => transport.bodies.length === 1)
    await until('it says so', () => lines.at(-1)?.line === 'works again')
  })

  test('forgets all it knew after an error of its session, and begins from what was saved (rule A2)', async () => {
    const { database, transport, relay } = setUp()
    await relay.start()
    database.insert(rowOf({ seq: '1', payload: 'first' }))
    await until('it is published and saved', () =>
      database.saves.some(({ cursor }) => cursor.sequenceHigh === 1n),
    )
    // the server crashes: transactions that were not on disk are gone, and their numbers are used again
    const saved = database.checkpoint
    database.insert(rowOf({ seq: '2', payload: 'lost with the crash' }))
    await until('its number was seen', () => transport.bodies.length === 2)
    database.before = () => {
      throw new BackstitchError('DATABASE_UNREACHABLE', 'the server crashed')
    }
    await until('it is failing', () => relay.health().state === 'failing')
    database.rows.pop()
    database.nextXid = 101n
    database.checkpoint = saved
    database.insert(rowOf({ seq: '3', payload: 'under a number that was used before' }))
    database.before = () => undefined
    await until('the row under the old number is published', () => transport.bodies.length >= 3)
    expect(transport.bodies.at(-1)).toBe('under a number that was used before')
  })

  test.each([
    ['OUTBOX_CHECKPOINT_FOREIGN', (database: FakeDatabase) => void (database.systemIdentifier = '8')],
    ['OUTBOX_CHECKPOINT_AHEAD', (database: FakeDatabase) => void (database.nextXid = 50n)],
  ])('publishes nothing under a checkpoint that is not of this database (%s)', async (code, change) => {
    const { database, transport, relay } = setUp()
    await relay.start()
    database.insert(rowOf())
    await until('it is saved', () => database.saves.some(({ cursor }) => cursor.sequenceHigh === 1n))
    await relay.stop()
    change(database)
    database.insert(rowOf({ seq: '2' }))
    const healthy = new FakeDatabase()
    Object.defineProperty(healthy, 'name', { value: 'stock' })
    healthy.insert(rowOf({ payload: 'of the other database' }))
    const next = setUp({ databases: [database, healthy] })
    await next.relay.start()
    expect(next.relay.health()).toMatchObject({ state: 'failing' })
    expect(next.relay.health().reason).toContain(code)
    expect(next.lines.filter((line) => line.code === code)).toHaveLength(1)
    await until('the other one works', () => next.transport.bodies.length === 1)
    expect(next.transport.bodies).toEqual(['of the other database'])
    expect(transport.bodies).toHaveLength(1)
  })

  test('takes a snapshot that goes back for a database that was replaced', async () => {
    const { database, transport, relay } = setUp()
    await relay.start()
    database.insert(rowOf())
    await until('it publishes', () => transport.bodies.length === 1)
    database.reading = (reading) => ({ ...reading, snapshot: '2:2:' })
    await until('it is failing', () => relay.health().state === 'failing')
    expect(relay.health().reason).toContain('OUTBOX_CHECKPOINT_AHEAD')
  })

  test('stops publishing when another one has taken over, and stands by', async () => {
    const { database, transport, relay, lines } = setUp()
    await relay.start()
    database.insert(rowOf())
    await until('it publishes', () => transport.bodies.length === 1)
    if (!database.checkpoint) throw new Error('there is no checkpoint')
    database.checkpoint = {
      ...database.checkpoint,
      epoch: 5n,
      owner: 'another',
      leaseUntilMs: performance.now() + 60_000,
    }
    await until('it stands by', () => relay.health().state === 'standby')
    expect(lines.some(({ code }) => code === 'OUTBOX_LEASE_LOST')).toBe(true)
    database.insert(rowOf({ seq: '2' }))
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(transport.bodies).toHaveLength(1)
  })

  test('that lost its outbox amid trouble with Kafka stands by, and does not go on saying that it fails', async () => {
    const { database, transport, relay } = setUp()
    await relay.start()
    transport.answer = () => ({ kind: 'failed', failure: { kind: 'unknown', reason: 'gone' } })
    database.insert(rowOf())
    await until('it is failing', () => relay.health().state === 'failing')
    if (!database.checkpoint) throw new Error('there is no checkpoint')
    const owned = {
      ...database.checkpoint,
      epoch: 5n,
      owner: 'another',
      leaseUntilMs: performance.now() + 60_000,
    }
    database.checkpoint = owned
    await until('it stands by', () => relay.health().state === 'standby')
    transport.answer = () => ({ kind: 'acknowledged' })
    database.checkpoint = { ...owned, owner: undefined }
    database.rows.length = 0
    await until('it works', () => relay.health().state === 'running')
  })

  test('lets nothing of a tenure that failed overlap the next one', async () => {
    const { database, transport, relay } = setUp()
    await relay.start()
    let release = (): void => undefined
    transport.answer = () =>
      new Promise((resolve) => {
        release = () => resolve({ kind: 'acknowledged' })
      })
    database.insert(rowOf({ payload: 'one' }))
    await until('it is on its way', () => transport.batches.length === 1)
    let failures = 0
    database.before = (call) => {
      if (call === 'save' && failures++ === 0) throw new BackstitchError('DATABASE_UNREACHABLE', 'gone')
    }
    await until('a renewal failed', () => failures > 0)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(database.sessions).toHaveLength(1)
    transport.answer = () => ({ kind: 'acknowledged' })
    release()
    await until('it is sent again', () => transport.bodies.length === 2)
    expect(database.sessions).toHaveLength(2)
  })

  test('ends at its deadline when what is in hand does not', async () => {
    const { database, transport, relay, lines } = setUp()
    await relay.start()
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    transport.answer = () => ({ kind: 'failed', failure: { kind: 'unknown', reason: 'gone' } })
    database.insert(rowOf())
    await until('it is failing', () => relay.health().state === 'failing')
    const startedAtMs = performance.now()
    await relay.stop()
    expect(performance.now() - startedAtMs).toBeLessThan(1_500)
    expect(lines.some(({ code }) => code === 'STOP_DEADLINE_PASSED')).toBe(true)
    expect(transport.bodies).toEqual([])
  })

  test('does not start without its tables', async () => {
    const { database, relay } = setUp()
    database.before = () => {
      throw new BackstitchError('SCHEMA_MISSING', 'orders')
    }
    await expect(relay.start()).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
    expect(relay.health()).toEqual({ state: 'stopped' })
  })

  test('waits for a database that does not answer, and says so once', async () => {
    const { database, relay, lines } = setUp()
    let calls = 0
    database.before = () => {
      if (calls++ < 3) throw new BackstitchError('DATABASE_UNREACHABLE', 'orders: nobody there')
    }
    await relay.start()
    expect(relay.health()).toEqual({ state: 'running' })
    await until('it says so', () => lines.length === 3)
    expect(lines.map(({ line }) => line)).toEqual([
      'waiting for the database: it does not answer',
      'owns the outbox',
      'works again',
    ])
  })

  test('looks at once when it is woken', async () => {
    const { database, transport, relay } = setUp({
      pace: { busyMs: 60_000, idleMs: 60_000 },
      leaseDurationMs: 200_000,
    })
    await relay.start()
    let looks = 0
    database.before = (call) => void (call === 'readLive' && looks++)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const before = looks
    database.insert(rowOf())
    relay.wake()
    await until('it is published', () => transport.bodies.length === 1)
    expect(looks - before).toBe(1)
  })

  test.each([
    ['databases: there is none', { databases: [] }],
    ['databases: two have the same name', { databases: [new FakeDatabase(), new FakeDatabase()] }],
    ['leaseDurationMs: at least 300', { leaseDurationMs: 299 }],
    ['publishers: at least 1', { publishers: 0 }],
    ['pageRows: 1 to 10,000', { pageRows: 1.5 }],
  ])('refuses %s', (reason, options) => {
    const make = () => setUp(options)
    expect(codeThrownBy(make)).toBe('CONFIG_INVALID')
    expect(make).toThrow(reason)
  })
})
