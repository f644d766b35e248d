import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import { rowOf, rowsOf } from './rows.ts'
import { setUp } from './set-up.ts'
import { until } from './until.ts'

describe('a relay', () => {
  test('reads less at once after a read that took too long, until it comes through', async () => {
    const { database, transport, relay } = setUp({ pageRows: 100 })
    database.insert(...rowsOf(150))
    const tried: number[] = []
    database.before = (call) => {
      if (call !== 'readPage') return
      const pageRows = database.sessions.at(-1)?.settings.pageRows ?? 0
      if (tried.at(-1) !== pageRows) tried.push(pageRows)
      if (pageRows > 30) throw new BackstitchError('DATABASE_TOO_SLOW', 'orders')
    }
    await relay.start()
    await until('all is published', () => transport.bodies.length === 150)
    expect(tried).toEqual([100, 50, 25])
  })

  test('whose tenures all end by the same failure says so once, and tries ever less often', async () => {
    const { database, relay, lines } = setUp({ clock: { ...systemClock, pause: (ms) => pause(ms) } })
    const pausesMs: number[] = []
    const pause = async (ms: number): Promise<void> => {
      pausesMs.push(ms)
      await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 20)))
    }
    database.before = (call) => {
      if (call === 'readLive') throw new BackstitchError('DATABASE_FAILING', 'orders: no memory')
    }
    await relay.start()
    await until('it has tried often', () => database.sessions.length >= 6)
    expect(lines.filter(({ code }) => code === 'DATABASE_FAILING')).toHaveLength(1)
    expect(lines.filter(({ line }) => line === 'works again')).toEqual([])
    expect(Math.max(...pausesMs)).toBeGreaterThan(1_000)
    expect(relay.health()).toMatchObject({ state: 'failing' })
  })

  test('says that it cannot look at the leases any more, though it still publishes, and that it can again', async () => {
    const { database, transport, relay } = setUp({ leaseDurationMs: 60_000 })
    await relay.start()
    await until('it works', () => relay.health().state === 'running')
    database.before = (call) => {
      if (call === 'look' || call === 'steward') throw new BackstitchError('DATABASE_UNREACHABLE', 'orders')
    }
    await until('it says so', () => relay.health().state === 'failing')
    expect(relay.health().reason).toContain('orders')
    database.insert(rowOf())
    await until('it publishes', () => transport.bodies.length === 1)
    expect(relay.health().state).toBe('failing')
    database.before = () => undefined
    await until('it is well again', () => relay.health().state === 'running')
  })

  test('asks for its lease before it publishes when it was asleep, whichever clock shows it, and sends nothing once it is lost', async () => {
    const { database, transport, relay } = setUp({ leaseDurationMs: 60_000 })
    await relay.start()
    database.insert(rowOf())
    await until('it publishes', () => transport.bodies.length === 1)
    await until('it is saved', () => database.saves.length > 0)
    const now = Date.now
    Date.now = () => now() + 70_000
    try {
      if (!database.checkpoint) throw new Error('there is no checkpoint')
      database.checkpoint = {
        ...database.checkpoint,
        epoch: 5n,
        owner: 'another',
        leaseUntilMs: performance.now() + 60_000,
      }
      database.insert(rowOf({ seq: '2', payload: 'not by us' }))
      await until('it stands by', () => relay.health().state === 'standby')
      expect(transport.bodies).toHaveLength(1)
    } finally {
      Date.now = now
    }
  })
})
