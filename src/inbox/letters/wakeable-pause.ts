import type { Clock } from '../../kernel/clock.ts'

/** A pause that is cut short when something is expected earlier. */
export type WakeablePause = {
  /** Begins to take note of what is expected: before a look, for what comes while it looks may come too late for it to see. */
  begin(): void
  /** Resolves after so many milliseconds, or when what was expected since `begin` is due. */
  for(ms: number): Promise<void>
  /** Something is expected in so many milliseconds. */
  wakeIn(ms: number): void
}

/** Makes a {@link WakeablePause}. */
export function wakeablePause(clock: Clock): WakeablePause {
  let wakeAtMs = Number.POSITIVE_INFINITY
  let sleep = new AbortController()
  return {
    begin: () => {
      wakeAtMs = Number.POSITIVE_INFINITY
    },
    for: async (ms) => {
      wakeAtMs = Math.min(wakeAtMs, clock.now() + ms)
      for (;;) {
        const leftMs = wakeAtMs - clock.now()
        if (leftMs <= 0) return
        sleep = new AbortController()
        await clock.pause(leftMs, sleep.signal)
      }
    },
    wakeIn: (ms) => {
      const atMs = clock.now() + ms
      if (atMs >= wakeAtMs) return
      wakeAtMs = atMs
      sleep.abort()
    },
  }
}
