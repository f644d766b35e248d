import { backoffMs } from '../kernel/backoff.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { isBackstitchError, reasonOf } from '../kernel/errors.ts'

/** How long to be silent while the reason stays the same. */
const silenceMs = 10_000

/**
 * Repeats what needs a server until it succeeds. Tells why it waits: at once, whenever the reason changes, and every ten seconds.
 *
 * @param options.attempt rejects with a retriable error while the server cannot be reached
 * @param options.timeoutMs how long at most
 * @throws the last error, when trying again cannot help or the time is up
 */
export async function waitForServer<Result>(options: {
  readonly attempt: () => Promise<Result>
  readonly tell: (reason: string) => void
  readonly timeoutMs: number
  readonly clock?: Clock
}): Promise<Result> {
  const { attempt, tell, timeoutMs, clock = systemClock } = options
  const deadline = clock.now() + timeoutMs
  let told = { reason: '', at: Number.NEGATIVE_INFINITY }
  for (let failures = 1; ; failures++) {
    try {
      return await attempt()
    } catch (thrown) {
      const now = clock.now()
      if (!isBackstitchError(thrown) || !thrown.retriable || now >= deadline) throw thrown
      const reason = reasonOf(thrown.cause ?? thrown)
      if (reason !== told.reason || now - told.at >= silenceMs) {
        tell(reason)
        told = { reason, at: now }
      }
      const pauseMs = backoffMs(failures, { initialMs: 200, maxMs: 2_000, factor: 2 })
      await clock.pause(Math.min(pauseMs, deadline - now))
    }
  }
}
