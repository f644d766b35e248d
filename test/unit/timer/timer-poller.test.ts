import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../src/kernel/clock.ts'
import { type TimerPoll, timerPoller } from '../../../src/timer/timer-poller.ts'

/** A clock that stands still between pauses: each pause is noted, and passes at once unless it is held. */
function fakeClock(): Clock & { readonly pauses: number[]; hold: boolean; at: number } {
  const clock = {
    pauses: [] as number[],
    hold: false,
    at: 0,
    now: () => clock.at,
    pause: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        clock.pauses.push(ms)
        if (!clock.hold) {
          clock.at += ms
          resolve()
        }
        signal?.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
  return clock
}

/** Runs a poller over these answers, then stops it. */
async function pausesAfter(
  polls: readonly (TimerPoll | Error)[],
): Promise<{ pauses: number[]; failures: unknown[] }> {
  const clock = fakeClock()
  const stopping = new AbortController()
  const failures: unknown[] = []
  const rest = [...polls]
  const poller = timerPoller(
    async () => {
      const poll = rest.shift()
      if (rest.length === 0) stopping.abort()
      if (poll instanceof Error) throw poll
      return poll!
    },
    { clock, pauseMaxMs: 500, onFailure: (thrown) => failures.push(thrown) * 1_000 },
  )
  await poller.run(stopping.signal)
  return { pauses: clock.pauses, failures }
}

const end: TimerPoll = { fired: 0, untilNextMs: undefined }

describe('timerPoller', () => {
  it('sleeps until the next timer is due, at most its longest pause', async () => {
    const { pauses } = await pausesAfter([
      { fired: 0, untilNextMs: 120.3 },
      { fired: 0, untilNextMs: 60_000 },
      { fired: 0, untilNextMs: undefined },
      end,
    ])
    expect(pauses).toEqual([121, 500, 500])
  })

  it('looks again at once after it has fired, and soon when another process holds what is due', async () => {
    const { pauses } = await pausesAfter([
      { fired: 200, untilNextMs: undefined },
      { fired: 3, untilNextMs: undefined },
      { fired: 0, untilNextMs: -4 },
      end,
    ])
    expect(pauses).toEqual([50])
  })

  it('goes on after a failure, when its owner says', async () => {
    const { pauses, failures } = await pausesAfter([new Error('down'), new Error('still down'), end])
    expect(pauses).toEqual([1_000, 2_000])
    expect(failures).toHaveLength(2)
  })

  it('wakes for an earlier timer that was armed while it slept, and sleeps until that one', async () => {
    const clock = fakeClock()
    clock.hold = true
    const stopping = new AbortController()
    let polls = 0
    const polled = Promise.withResolvers<void>()
    const poller = timerPoller(
      async () => {
        if (++polls === 2) {
          stopping.abort()
          polled.resolve()
        }
        return { fired: 0, untilNextMs: undefined }
      },
      { clock, pauseMaxMs: 500, onFailure: () => 0 },
    )
    const running = poller.run(stopping.signal)
    await expect.poll(() => clock.pauses).toEqual([500])
    poller.expect(900) // later than it wakes anyway
    poller.expect(40)
    await expect.poll(() => clock.pauses).toEqual([500, 40])
    clock.hold = false
    clock.at = 40
    poller.expect(-1) // due already
    await polled.promise
    await running
  })

  it('does not sleep past a timer that was armed while it polled', async () => {
    const clock = fakeClock()
    const stopping = new AbortController()
    let polls = 0
    const poller = timerPoller(
      async () => {
        if (++polls === 1) poller.expect(7)
        else stopping.abort()
        return { fired: 0, untilNextMs: undefined }
      },
      { clock, pauseMaxMs: 500, onFailure: () => 0 },
    )
    await poller.run(stopping.signal)
    expect(clock.pauses).toEqual([7])
  })
})
