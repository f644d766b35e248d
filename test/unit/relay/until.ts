/** Waits until something holds, looking again after each turn of the event loop. Fails after two seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const endsAtMs = performance.now() + 15_000
  while (!holds()) {
    if (performance.now() > endsAtMs) throw new Error(`it did not happen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
