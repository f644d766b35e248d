/** Waits until something holds. @throws Error that names it after the deadline, by default 30 s */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs: number = 30_000,
): Promise<void> {
  const endsAtMs = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > endsAtMs) throw new Error(`it did not happen: ${what}`)
    await pause(20)
  }
}

/** How long a fault lasts. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
