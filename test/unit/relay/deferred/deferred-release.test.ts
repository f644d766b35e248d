import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { noTestSignals } from '../../../../src/kernel/test-signals.ts'
import { DeferredRelease } from '../../../../src/relay/deferred/deferred-release.ts'
import type { DeferredSession, Release } from '../../../../src/relay/deferred/deferred-session.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Messages of some keys, all due, of which the outbox refuses some. */
function setUp(keys: readonly string[]) {
  const waiting = [...keys]
  const released: string[] = []
  const calls: Release[] = []
  const failures: unknown[] = []
  const fields: object[] = []
  let refusedAs = (key: string): string | undefined => (key.startsWith('bad') ? '23514' : undefined)
  const due = ({ without }: Release): string[] =>
    waiting.filter((key) => !without.some((other) => other.key === key))
  const session: DeferredSession = {
    releaseDue: async (release) => {
      calls.push(release)
      const found = due(release).slice(0, release.rowsMax)
      const state = found.map(refusedAs).find((it) => it !== undefined)
      if (state !== undefined)
        return { refused: { state, reason: 'no', isOfMessage: !['55P03', '42501'].includes(state) } }
      for (const key of found) waiting.splice(waiting.indexOf(key), 1)
      released.push(...found)
      return { count: found.length, more: found.length === release.rowsMax, next: '', untilNextMs: undefined }
    },
    firstDue: async (release) => {
      const [key] = due(release)
      return key === undefined ? undefined : { aggregateType: 'order', key }
    },
  }
  const release = new DeferredRelease({
    session,
    owner: 'me',
    epoch: 1n,
    signals: noTestSignals,
    logger: { ...silentLogger, warn: (said: object) => void fields.push(said) },
    onReleased: () => undefined,
    onFailure: (error) => void failures.push(error),
  })
  release.start()
  return {
    release,
    released,
    calls,
    failures,
    fields,
    accept: () => {
      refusedAs = () => undefined
    },
    refuse: (state: string) => {
      refusedAs = () => state
    },
  }
}

test('what is refused waits for half a minute, with its key, and comes once it is taken', async () => {
  const keys = Array.from({ length: 1_200 }, (_, n) => (n === 700 ? 'bad' : `k-${n}`))
  const it = setUp([...keys, 'bad', 'last'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(it.released).toEqual([...keys.filter((key) => key !== 'bad'), 'last'])
  expect(it.fields).toEqual([
    { aggregateType: 'order', key: 'bad', sqlState: '23514', reason: 'no', againAfterMs: 30_000 },
  ])
  it.accept()
  await vi.advanceTimersByTimeAsync(28_000)
  expect(it.released).not.toContain('bad')
  await vi.advanceTimersByTimeAsync(2_000)
  expect(it.released.slice(-2)).toEqual(['bad', 'bad'])
  expect(it.failures).toEqual([])
  it.release.stop()
})

test('where it is not the messages all wait for half a minute, and nothing is tried meanwhile', async () => {
  const it = setUp(['a', 'b'])
  it.refuse('42501')
  await vi.advanceTimersByTimeAsync(29_000)
  expect(it.calls).toHaveLength(1)
  expect(it.fields).toEqual([{ sqlState: '42501', reason: 'no', againAfterMs: 30_000 }])
  it.accept()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(it.released).toEqual(['a', 'b'])
  it.release.stop()
})

test('keys that wait are few: where the outbox takes none, little is tried', async () => {
  const it = setUp(Array.from({ length: 300 }, (_, n) => `bad-${n}`))
  await vi.advanceTimersByTimeAsync(29_000)
  expect(it.calls.length).toBeLessThan(120)
  expect(it.released).toEqual([])
  expect(it.failures).toEqual([])
  it.release.stop()
})
