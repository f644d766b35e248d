/** Where the time of this process comes from. Deadlines between processes use the database’s time instead. */
export type Clock = {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts: a pause never outlives its owner. */
  pause(ms: number, signal?: AbortSignal): Promise<void>
}

/** Node fires a timer of more than this at once. */
const timeoutMsMax = 2 ** 31 - 1

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  pause: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const wait = (leftMs: number): NodeJS.Timeout =>
        leftMs <= timeoutMsMax
          ? setTimeout(done, leftMs)
          : setTimeout(() => (timer = wait(leftMs - timeoutMsMax)), timeoutMsMax)
      let timer = wait(ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}
