import type { BatchHandler, ReceivedBatch, ReceivedRecord } from '../../../src/transport/subscriber.ts'

/** A batch made by hand, in the place of a driver. */
export type HandMade = ReceivedBatch & { readonly commits: bigint[] }

/** Makes batches by hand, in the place of a driver. Those of one tenure have one signal. */
export function batchOf(
  records: readonly ReceivedRecord[],
  options: { readonly signal?: AbortSignal; readonly outcome?: 'committed' | 'stale' | 'failed' } = {},
): HandMade {
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

/** Feeds records of one partition like a driver, and resolves when all of them are committed. */
export async function feed(
  handler: BatchHandler,
  records: readonly ReceivedRecord[],
): Promise<{ readonly commits: readonly bigint[] }> {
  const batch = batchOf(records)
  await handler.onBatch(batch)
  await untilCommitted(batch)
  return batch
}

/** Feeds a worker that returns from a batch when it has handled it: after `retryAfter` at the offset that was named, without the pause. */
export async function feedInTurn(
  { onBatch }: Pick<BatchHandler, 'onBatch'>,
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

/** Resolves when all records of the batch are committed. */
export async function untilCommitted(batch: HandMade): Promise<void> {
  await until('the offsets', () => batch.commits.at(-1) === batch.highWatermark)
}

/** Resolves when the condition holds; fails after 10 seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 10 s for ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
