import { afterEach, describe, expect, test } from 'vitest'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { relayOver } from '../../../../src/relay/relay.ts'
import type { OutboxRelayOptions } from '../../../../src/relay/relay-options.ts'
import { at } from '../../../../src/relay/source/outbox-tuple.ts'
import { prometheusMetrics } from '../../../../src/telemetry/prometheus-metrics.ts'
import { FakeDatabase } from '../fake-database.ts'
import { rowOf, rowsOf } from '../rows.ts'
import { ScriptedTransport } from '../scripted-transport.ts'
import { until } from '../until.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

function setUp(options: Partial<OutboxRelayOptions> = {}) {
  const database = new FakeDatabase()
  const transport = new ScriptedTransport()
  const metrics = prometheusMetrics()
  const relay = relayOver({
    databases: [database],
    transport,
    metrics,
    leaseDurationMs: 300,
    pace: { idleMs: 2 },
    stopDeadlineMs: 300,
    ...options,
  })
  stops.push(() => relay.stop())
  /** The value of a series of the database; 0 where there is none. */
  const value = (name: string, labels = 'database="orders"'): number => {
    const line = metrics
      .expose()
      .split('\n')
      .find((one) => one.startsWith(`backstitch_${name}{${labels}} `))
    return Number(line?.split(' ').at(-1) ?? Number.NaN)
  }
  return { database, transport, relay, metrics, value }
}

describe('a relay that is measured', () => {
  test('counts what it publishes, looks and saves, and how long that took', async () => {
    const { database, relay, value } = setUp()
    const now = Date.now() / 1_000
    database.insert(
      ...rowsOf(3).map((row) => row.with(at.created_at, String(now - 2))),
      rowOf({ seq: '4', created_at: String(now + 60) }), // by a clock that is ahead
      rowOf({ seq: '5', created_at: 'Infinity' }),
    )
    await relay.start()
    await until('all are published', () => value('relay_published_total') === 5)
    await until('they are saved', () => value('relay_checkpoint_duration_seconds_count') > 0)
    expect(value('relay_lag_seconds_count')).toBe(4)
    expect(value('relay_lag_seconds_sum')).toBeGreaterThanOrEqual(6)
    expect(value('relay_lag_seconds_sum')).toBeLessThan(60)
    expect(value('relay_look_duration_seconds_count')).toBeGreaterThan(0)
    expect(value('publish_batch_size_sum', 'transport="scripted"')).toBe(5)
    expect(value('publish_duration_seconds_count', 'transport="scripted"')).toBeGreaterThan(0)
    expect([
      value('relay_lease_held'),
      value('relay_lease_acquired_total'),
      value('relay_sessions_total'),
    ]).toEqual([1, 1, 1])
  })

  test('knows what waits while it is the owner, and no longer', async () => {
    const { relay, value } = setUp()
    await relay.start()
    await until('it has measured', () => value('relay_pending') === 3)
    expect([value('relay_oldest_age_seconds'), value('relay_parked_rows')]).toEqual([2, 0])
    await relay.stop()
    expect(value('relay_pending')).toBeNaN()
    expect(value('relay_lease_held')).toBe(0)
  })

  test('counts failures by their code, and connects anew', async () => {
    const { database, relay, value } = setUp()
    await relay.start()
    let failsOnce = true
    database.before = (call) => {
      if (call !== 'readLive' || !failsOnce) return
      failsOnce = false
      throw new BackstitchError('DATABASE_UNREACHABLE', 'orders')
    }
    await until('it is back', () => value('relay_sessions_total') === 2)
    expect(value('relay_failures_total', 'code="DATABASE_UNREACHABLE",database="orders"')).toBe(1)
  })

  test('counts rows into the quarantine and out of it', async () => {
    const { database, transport, relay, value } = setUp()
    transport.answer = () => ({ kind: 'failed', failure: { kind: 'record', reason: 'too large' } })
    database.insert(rowOf({ seq: '1', aggregateid: 'bad' }), rowOf({ seq: '2', aggregateid: 'bad' }))
    await relay.start()
    await until('both are parked', () => value('relay_parked_total') === 2)
    expect(database.quarantine.size).toBe(2)
    transport.answer = () => ({ kind: 'acknowledged' })
    for (const entry of database.quarantine.values()) entry.intent = 'retry'
    await until('both are out', () => value('relay_drained_total') === 2)
  })
})

describe('a relay that is stuck', () => {
  test('says so, though it renews its lease', async () => {
    const stuck = Promise.withResolvers<void>()
    const { database, relay } = setUp({
      stalledAfterMs: 400,
      testSignals: { reach: (point) => (point === 'relay.read.after' ? stuck.promise : undefined) },
    })
    await relay.start()
    expect(relay.health()).toEqual({ state: 'running' })
    database.insert(...rowsOf(1))
    const savesBefore = database.saves.length
    await until('it is stalled', () => relay.health().state === 'stalled')
    expect(relay.health().reason).toMatch(/^orders: it has neither looked/)
    expect(database.saves.length).toBeGreaterThan(savesBefore)
    stuck.resolve()
    await until('it works', () => relay.health().state === 'running')
  })

  test('is not one that waits for Kafka', async () => {
    const { database, transport, relay } = setUp({ stalledAfterMs: 3_000 })
    await relay.start()
    transport.answer = () => ({ kind: 'failed', failure: { kind: 'retriable', reason: 'no broker' } })
    database.insert(...rowsOf(1))
    await until('it fails', () => relay.health().state === 'failing')
    // the pauses between its tries grow up to two seconds
    const states = new Set<string>()
    const endsAtMs = performance.now() + 3_500
    await until('it has waited for a while', () => {
      states.add(relay.health().state)
      return performance.now() > endsAtMs
    })
    expect([...states]).toEqual(['failing'])
  })
})
