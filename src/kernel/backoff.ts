/** How long to wait before the next try: grows by `factor` from `initialMs` up to `maxMs`. */
export type BackoffPolicy = { readonly initialMs: number; readonly maxMs: number; readonly factor: number }

/** 100 ms, doubling, up to 5 s. */
export const defaultBackoff: BackoffPolicy = { initialMs: 100, maxMs: 5_000, factor: 2 }

/**
 * The wait before try number `attempt + 1`, where `attempt` counts the failures so far from 1 (less counts as 1).
 * `jitter` in [0, 1) spreads the waits of many processes over the upper half (so that they do not come back all at once).
 */
export function backoffMs(
  attempt: number,
  policy: BackoffPolicy = defaultBackoff,
  jitter: number = 0,
): number {
  const full = Math.min(
    policy.maxMs,
    policy.initialMs * policy.factor ** Math.min(Math.max(attempt, 1) - 1, 60),
  )
  return Math.round(full - (full / 2) * jitter)
}
