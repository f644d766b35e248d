import type { Histogram } from '../../kernel/metrics/metrics.ts'
import { type OutboxTuple, valueAt } from '../source/outbox-tuple.ts'

/**
 * Records how long each acknowledged row took from its `created_at`, which is its transaction’s time by the database’s clock. Where that
 * clock is ahead of this machine’s the time counts as 0.
 * @param nowMs this machine’s clock
 */
export function recordLag(
  lag: Histogram,
  rows: Iterable<{ readonly row: OutboxTuple }>,
  nowMs: number,
): void {
  const now = nowMs / 1_000
  for (const { row } of rows) {
    const seconds = now - Number(valueAt(row, 'created_at') ?? undefined)
    // Postgres knows infinite times
    if (Number.isFinite(seconds)) lag.record(seconds > 0 ? seconds : 0)
  }
}
