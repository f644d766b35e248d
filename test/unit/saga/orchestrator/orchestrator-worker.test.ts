import { describe, expect, it } from 'vitest'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { orchestratorWorker } from '../../../../src/saga/orchestrator/orchestrator-worker.ts'
import type { SagaWork } from '../../../../src/saga/orchestrator/saga-work.ts'
import type { ReceivedBatch } from '../../../../src/transport/subscriber.ts'
import { batchOf, feedInTurn } from '../../inbox/hand-fed.ts'
import { keptLines } from '../../inbox/log-lines.ts'
import { recordWith } from '../../inbox/records.ts'

const records = Array.from({ length: 5 }, (_, n) => recordWith({ topic: 't', offset: BigInt(10 + n) }))

function worker(apply: (size: number, call: number) => Error | undefined | void) {
  const { logger, lines } = keptLines()
  const points: string[] = []
  const sizes: number[] = []
  const work = {
    encoding: { codec: jsonCodec, limits: defaultBodyLimits },
    logger,
    signals: { reach: (point: string) => void points.push(point) },
  } as unknown as SagaWork
  const made = orchestratorWorker(
    work,
    {
      apply: async (messages) => {
        sizes.push(messages.length)
        const thrown = apply(messages.length, sizes.length)
        if (thrown) throw thrown
      },
    },
    2,
  )
  return {
    onBatch: (batch: ReceivedBatch) => made.onBatch(batch),
    trouble: (held: readonly string[]) => made.trouble(held),
    lines,
    points,
    sizes,
  }
}

describe('orchestratorWorker', () => {
  it('applies a batch in pieces and commits the offset after each', async () => {
    const { onBatch, sizes, points } = worker(() => undefined)
    const batch = batchOf(records)
    expect(await onBatch(batch)).toEqual({ kind: 'done' })
    expect(sizes).toEqual([2, 2, 1])
    expect(batch.commits).toEqual([12n, 14n, 15n])
    expect(points.slice(0, 2)).toEqual(['orchestrator.offsets.before', 'orchestrator.offsets.after'])
  })

  it('goes on where it could not, with one line for the wait and one for its end', async () => {
    const down = new BackstitchError('DATABASE_UNREACHABLE', 'test')
    const { onBatch, trouble, lines, sizes } = worker((_, call) =>
      call >= 2 && call <= 5 ? down : undefined,
    )
    const { commits, pausesMs } = await feedInTurn({ onBatch }, records)
    expect(commits).toEqual([12n, 14n, 15n])
    expect(pausesMs).toHaveLength(4)
    expect(sizes).toEqual([2, 2, 2, 2, 2, 2, 1])
    expect(lines.filter(({ level }) => level !== 'debug').map(({ message }) => message)).toEqual([
      'a partition waits; nothing is lost, and it goes on by itself',
      'a partition goes on',
    ])
    expect(trouble(['t/0'])).toBeUndefined()
  })

  it('names the trouble of the partitions that it holds, while it lasts', async () => {
    const { onBatch, trouble } = worker(() => new BackstitchError('DATABASE_UNREACHABLE', 'test'))
    expect(await onBatch(batchOf(records))).toMatchObject({ kind: 'retryAfter', nextOffset: 10n })
    expect(trouble(['t/0'])).toContain('DATABASE_UNREACHABLE')
    expect(trouble(['t/1'])).toBeUndefined()
  })

  it('begins nothing more once the partition was taken away', async () => {
    const lost = new AbortController()
    const { onBatch, sizes } = worker(() => lost.abort())
    const batch = batchOf(records, { signal: lost.signal })
    expect(await onBatch(batch)).toEqual({ kind: 'retryAfter', retryAfterMs: 0, nextOffset: 12n })
    expect(sizes).toEqual([2])
    expect(batch.commits).toEqual([12n])
  })

  it('stops when the commit says that another member has the partition', async () => {
    const { onBatch, sizes } = worker(() => undefined)
    expect(await onBatch(batchOf(records, { outcome: 'stale' }))).toEqual({ kind: 'done' })
    expect(sizes).toEqual([2])
  })
})
