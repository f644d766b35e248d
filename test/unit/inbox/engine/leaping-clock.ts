import type { Clock } from '../../../../src/kernel/clock.ts'

/** A clock on which no pause takes time: once all else has come to rest it leaps to the end of the next one. */
export function leapingClock(): Clock {
  let nowMs = 0
  let pending: { readonly atMs: number; readonly wake: () => void }[] = []
  let isLeaping = false
  const leap = async (): Promise<void> => {
    isLeaping = true
    while (pending.length > 0) {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      if (pending.length === 0) break // all of them were ended meanwhile
      const next = Math.min(...pending.map(({ atMs }) => atMs))
      nowMs = Math.max(nowMs, next)
      const due = pending.filter(({ atMs }) => atMs <= nowMs)
      pending = pending.filter(({ atMs }) => atMs > nowMs)
      for (const { wake } of due) wake()
    }
    isLeaping = false
  }
  return {
    now: () => nowMs,
    pause: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const pause = { atMs: nowMs + ms, wake: resolve }
        pending.push(pause)
        signal?.addEventListener('abort', () => {
          pending = pending.filter((each) => each !== pause)
          resolve()
        })
        if (!isLeaping) void leap()
      }),
  }
}
