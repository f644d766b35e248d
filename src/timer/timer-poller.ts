import { type Clock, systemClock } from '../kernel/clock.ts'

/** What a poll found. */
export type TimerPoll = {
  /** How many timers were fired. There may be more that are due. */
  readonly fired: number
  /**
   * Milliseconds until the next timer is due, `undefined` when there is none. Zero or less, though nothing was fired, means that another
   * process holds what is due.
   */
  readonly untilNextMs: number | undefined
}

/** Fires timers when they are due. */
export type TimerPoller = {
  /** Polls until the signal aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  /** Says that a timer was armed that is due in `afterMs`, so that a poller that sleeps longer wakes in time. */
  expect(afterMs: number): void
}

/** How long to wait for another process that holds the due timers. */
const heldPauseMs = 50

/**
 * Makes a {@link TimerPoller}: it sleeps until the next timer is due, at most `pauseMaxMs`. Timers that other processes armed are seen that
 * late at worst.
 *
 * @param poll fires some of the due timers
 * @param options.pauseMaxMs default 500 ms
 * @param options.onFailure told what a poll threw; returns the milliseconds to wait before the next one
 */
export function timerPoller(
  poll: () => Promise<TimerPoll>,
  options: {
    readonly pauseMaxMs?: number
    readonly clock?: Clock
    readonly onFailure: (thrown: unknown) => number
  },
): TimerPoller {
  const { pauseMaxMs = 500, clock = systemClock, onFailure } = options
  let wakeAtMs = Number.POSITIVE_INFINITY
  let sleep = new AbortController()

  const pauseAfter = ({ fired, untilNextMs = pauseMaxMs }: TimerPoll): number => {
    if (fired > 0) return 0
    return Math.min(pauseMaxMs, untilNextMs > 0 ? Math.ceil(untilNextMs) : heldPauseMs)
  }

  const sleepUntilWake = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const leftMs = wakeAtMs - clock.now()
      if (leftMs <= 0) return
      sleep = new AbortController()
      await clock.pause(leftMs, sleep.signal)
    }
  }

  return {
    run: async (signal) => {
      signal.addEventListener('abort', () => sleep.abort(), { once: true })
      while (!signal.aborted) {
        // Cleared before the poll: what is armed while it runs may come too late for it to see.
        wakeAtMs = Number.POSITIVE_INFINITY
        const pauseMs = await poll().then(pauseAfter, onFailure)
        wakeAtMs = Math.min(wakeAtMs, clock.now() + pauseMs)
        await sleepUntilWake(signal)
      }
    },
    expect: (afterMs) => {
      const atMs = clock.now() + afterMs
      if (atMs >= wakeAtMs) return
      wakeAtMs = atMs
      sleep.abort()
    },
  }
}
