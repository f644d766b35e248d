import type { BatchResult, ReceivedBatch, ReceivedRecord } from '../../../src/transport/subscriber.ts'

/** Makes batches by hand, in the place of a driver. */
export function batchOf(
  records: readonly ReceivedRecord[],
  options: { readonly signal?: AbortSignal; readonly outcome?: 'committed' | 'stale' | 'failed' } = {},
): ReceivedBatch & { readonly commits: bigint[] } {
  const commits: bigint[] = []
  const first = records[0]
  return {
    topic: first?.topic ?? '',
    partition: first?.partition ?? 0,
    records,
    highWatermark: (records.at(-1)?.offset ?? -1n) + 1n,
    signal: options.signal ?? new AbortController().signal,
    commits,
    commit: async (nextOffset) => {
      commits.push(nextOffset)
      return options.outcome ?? 'committed'
    },
  }
}

/** Feeds records like a driver: after `retryAfter` it goes on at the offset that was named, without the pause. */
export async function feed(
  onBatch: (batch: ReceivedBatch) => Promise<BatchResult>,
  records: readonly ReceivedRecord[],
): Promise<{ readonly commits: readonly bigint[]; readonly pausesMs: readonly number[] }> {
  const commits: bigint[] = []
  const pausesMs: number[] = []
  let rest = records
  for (let tries = 0; tries < 100; tries++) {
    const batch = batchOf(rest)
    const result = await onBatch(batch)
    commits.push(...batch.commits)
    if (result.kind !== 'retryAfter') return { commits, pausesMs }
    pausesMs.push(result.retryAfterMs)
    rest = records.filter(({ offset }) => offset >= result.nextOffset)
  }
  throw new Error('the records were not done after 100 tries')
}
