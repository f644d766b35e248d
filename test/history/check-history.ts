import type { History } from './writers.ts'

/** What a reader has got, in its order; per key that is the order of the topic. */
export type Reading = readonly {
  readonly id: string
  readonly key: string
  readonly n: number
  readonly atMs: number
}[]

/** What is wrong with a reading. */
export type Verdict = {
  readonly lost: number
  readonly ghosts: number
  readonly inversions: number
  readonly duplicates: number
  /** From a commit’s answer to the publishing of its row, the slowest. */
  readonly slowestMs: number
}

/** Compares a reading with what was committed. */
export function checkHistory(history: History, reading: Reading): Verdict {
  const seen = new Set<string>()
  const last = new Map<string, number>()
  let ghosts = 0
  let inversions = 0
  let slowestMs = 0
  for (const { id, key, n, atMs } of reading) {
    if (seen.has(id)) continue
    seen.add(id)
    const committed = history.committed.get(id)
    if (!committed) {
      ghosts++
      continue
    }
    slowestMs = Math.max(slowestMs, atMs - committed.committedAtMs)
    if (n <= (last.get(key) ?? 0)) inversions++
    last.set(key, Math.max(n, last.get(key) ?? 0))
  }
  return {
    lost: [...history.committed.keys()].filter((id) => !seen.has(id)).length,
    ghosts,
    inversions,
    duplicates: reading.length - seen.size,
    slowestMs,
  }
}
