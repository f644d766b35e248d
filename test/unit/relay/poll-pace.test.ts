import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Announcements } from '../../../src/relay/wake/announcements.ts'
import { defaultPace, PollPace } from '../../../src/relay/poll-pace.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** How long a pause lasts, to the millisecond. */
async function lengthMs(pause: Promise<void>): Promise<number> {
  const startedAtMs = performance.now()
  const state = { ended: false }
  void pause.then(() => (state.ended = true))
  await vi.advanceTimersByTimeAsync(0)
  while (!state.ended) await vi.advanceTimersByTimeAsync(1)
  return performance.now() - startedAtMs
}

describe('the pause after a look at an outbox', () => {
  test('that found something fills up the least distance to the next', async () => {
    const pace = new PollPace({ busyMs: 5, idleMs: 20, announcedIdleMs: 250 })
    expect(await lengthMs(pace.pause(true, 2))).toBe(3)
    expect(await lengthMs(pace.pause(true, 5))).toBe(0)
    expect(await lengthMs(pace.pause(true, 50))).toBe(0)
  })

  test('that found nothing grows with the time since something was found, up to a limit', async () => {
    const pace = new PollPace(defaultPace)
    await lengthMs(pace.pause(true, 0))
    expect(await lengthMs(pace.pause(false, 0))).toBe(1)
    vi.advanceTimersByTime(38)
    expect(await lengthMs(pace.pause(false, 0))).toBe(5)
    vi.advanceTimersByTime(10_000)
    expect(await lengthMs(pace.pause(false, 0))).toBe(20)
    vi.advanceTimersByTime(60_000)
    expect(await lengthMs(pace.pause(false, 0)), 'an outbox at rest').toBe(60)
    await lengthMs(pace.pause(true, 0))
    expect(await lengthMs(pace.pause(false, 0))).toBe(1)
  })

  test('that found nothing grows further while writers announce what they commit, and no row comes without a word', async () => {
    const announcements = new Announcements()
    announcements.isListening = true
    const pace = new PollPace(defaultPace, announcements)
    announcements.heard()
    pace.wake()
    await lengthMs(pace.pause(true, 0))
    vi.advanceTimersByTime(10_000)
    expect(await lengthMs(pace.pause(false, 0))).toBe(250)
    await lengthMs(pace.pause(true, 0))
    vi.advanceTimersByTime(10_000)
    expect(await lengthMs(pace.pause(false, 0))).toBe(20)
  })

  test('ends, or does not begin, when it is woken', async () => {
    const pace = new PollPace(defaultPace)
    vi.advanceTimersByTime(10_000)
    const pause = pace.pause(false, 0)
    await vi.advanceTimersByTimeAsync(7)
    pace.wake()
    expect(await lengthMs(pause)).toBe(0)
    vi.advanceTimersByTime(10_000)
    pace.wake()
    expect(await lengthMs(pace.pause(false, 0))).toBe(0)
    expect(await lengthMs(pace.pause(false, 0)), 'and then goes on as after a find').toBe(1)
  })
})
