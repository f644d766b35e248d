import { describe, expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../../../src/kernel/clock.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { noTestSignals } from '../../../../src/kernel/test-signals.ts'
import { LeafKeeper, type LeafKeeperOptions } from '../../../../src/relay/upkeep/leaf-keeper.ts'
import { silentRelayInstruments } from '../../../../src/relay/telemetry/relay-metrics.ts'
import type { Leaf } from '../../../../src/relay/upkeep/leaf-session.ts'
import { FakeLeafSession } from './fake-leaf-session.ts'
import { until } from '../until.ts'

/** A round follows the other at once. */
const hurriedClock: Clock = {
  now: () => Date.now(),
  pause: () => new Promise((resolve) => void setImmediate(resolve)),
}

function keep(session: FakeLeafSession, options: Partial<LeafKeeperOptions> = {}) {
  const lines: string[] = []
  const note = (_: object, line: string): void => void lines.push(line)
  const logger = { ...silentLogger, info: note, warn: note, error: note, child: () => logger }
  const keeper = new LeafKeeper({
    open: () => Promise.resolve(session),
    keepPublishedMs: 0,
    clock: hurriedClock,
    signals: noTestSignals,
    logger,
    instruments: silentRelayInstruments,
    ...options,
  })
  keeper.start()
  onTestFinished(() => keeper.stop())
  return { keeper, lines }
}

const passed: Leaf = {
  name: 'outbox_0',
  from: 0n,
  to: 250_000n,
  bytes: 8_192,
  isPublished: true,
  isAged: true,
}
const ahead: Leaf = {
  name: 'outbox_1',
  from: 250_000n,
  to: 9_000_000n,
  bytes: 0,
  isPublished: undefined,
  isAged: undefined,
}

describe('the keeper of leaves', () => {
  test('empties what is published and was kept for long enough, removes it, and touches nothing else', async () => {
    const session = new FakeLeafSession()
    const others = [
      { ...passed, name: 'unpublished', isPublished: false },
      { ...passed, name: 'young', isAged: false },
      ahead,
    ]
    session.layout = { ...session.layout, last: 300_000n, leaves: [passed, ...others] }
    session.answer = (call) => {
      if (call === 'empty outbox_0')
        session.layout = { ...session.layout, leaves: [{ ...passed, bytes: 0 }, ...others] }
      if (call === 'remove') session.layout = { ...session.layout, leaves: others }
      return true
    }
    keep(session)
    await until('it is removed', () => session.calls.includes('remove'))
    expect(session.calls).toEqual(['empty outbox_0', 'remove'])
  })

  test('removes leaves of kept rows as soon as they are published', async () => {
    const session = new FakeLeafSession()
    session.layout = { ...session.layout, last: 300_000n, leaves: [{ ...passed, isAged: false }, ahead] }
    keep(session, { keepPublishedMs: 60_000 })
    await until('it is removed', () => session.calls.includes('remove'))
    expect(session.calls.every((call) => call === 'remove')).toBe(true)
  })

  test('drops tables of kept rows a few at a time, one round after the other, and then looks for more seldom', async () => {
    const session = new FakeLeafSession()
    session.layout = { ...session.layout, kept: 7 }
    session.aged.push('a', 'b', 'c', 'd', 'e')
    const { lines } = keep(session)
    const drops = () => session.calls.filter((call) => call === 'dropKept').length
    await until('all are dropped', () => session.aged.length === 0 && drops() === 4)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(drops()).toBe(4)
    expect(lines.filter((line) => line.includes('were dropped'))).toHaveLength(3)
  })

  test('does not try a lock that somebody holds again at once', async () => {
    const session = new FakeLeafSession()
    session.layout = { ...session.layout, last: 300_000n, leaves: [passed, ahead] }
    let looks = 0
    session.answer = (call) => call === 'look' && ++looks > 0
    keep(session)
    await until('there were some rounds', () => looks > 20)
    expect(session.calls).toEqual(['empty outbox_0'])
  })

  test('does nothing on a standby', async () => {
    const session = new FakeLeafSession()
    let looks = 0
    session.layout = { ...session.layout, inRecovery: true, leaves: [] }
    session.answer = () => ++looks > 0
    keep(session)
    await until('there were some rounds', () => looks > 3)
    expect(session.calls).toEqual([])
  })

  test('tells of rows in the default partition, once, and of their end', async () => {
    const session = new FakeLeafSession()
    const calm = session.layout
    session.layout = { ...calm, rest: { ...passed, name: 'outbox_default', isPublished: false } }
    const { keeper, lines } = keep(session)
    await until('it is in use', () => keeper.status.isDefaultInUse)
    session.layout = calm
    await until('it is empty', () => !keeper.status.isDefaultInUse)
    expect(lines).toEqual([
      'rows are in the default partition of the outbox: no leaf was there for them',
      'the default partition of the outbox is empty again',
    ])
  })

  test('opens a new session after an error, and complains of the same one once', async () => {
    const sessions: FakeLeafSession[] = []
    const { lines } = keep(new FakeLeafSession(), {
      open: () => {
        const session = new FakeLeafSession()
        session.answer = () => {
          throw new Error('the connection is gone')
        }
        sessions.push(session)
        return Promise.resolve(session)
      },
    })
    await until('there were some', () => sessions.length > 3)
    expect(sessions.slice(0, 3).every(({ isClosed }) => isClosed)).toBe(true)
    expect(lines).toEqual(['the leaves of the outbox cannot be kept just now'])
  })
})
