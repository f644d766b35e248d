import { setTimeout as pause } from 'node:timers/promises'

const pollMs = 25

/**
 * Waits for a condition.
 * @param options.signal ends the wait with its reason
 * @param options.deadlineMs default 40,000 ms
 * @throws Error that names the condition, past the deadline
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: { readonly signal: AbortSignal; readonly deadlineMs?: number },
): Promise<void> {
  const { signal, deadlineMs = 40_000 } = options
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    signal.throwIfAborted()
    if (performance.now() > deadline) throw new Error(`it did not happen within ${deadlineMs} ms: ${what}`)
    await pause(pollMs)
  }
}
