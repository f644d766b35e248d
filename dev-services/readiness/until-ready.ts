import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 50

/**
 * Asks `probe` again and again until it resolves.
 * @throws Error with the probe's last reason after `withinMs`, or at once when waiting cannot help
 */
export async function untilReady(what: string, withinMs: number, probe: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      await probe()
      return
    } catch (error) {
      if (performance.now() > deadline || isHopeless(error)) {
        const reason = error instanceof Error ? error.message || error.name : String(error)
        const waited = isHopeless(error) ? '' : ` after ${withinMs} ms`
        throw new Error(`${what} cannot be used${waited}: ${reason}`, { cause: error })
      }
      await pause(PAUSE_MS)
    }
  }
}

/** A server that is up but refuses: SQLSTATE class 28 (wrong user or password) and 3D (no such database). */
function isHopeless(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(28|3D)...$/.test(String(error.code))
}
