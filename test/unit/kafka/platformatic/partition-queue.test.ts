import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { code } from '../../../../src/kafka/platformatic/client/error-codes.ts'
import { PartitionQueue, type Sent } from '../../../../src/kafka/platformatic/publishing/partition-queue.ts'
import { type Outcome, outcomeOf } from '../../../../src/kafka/platformatic/publishing/produce-outcome.ts'
import { PublishJob, type Span } from '../../../../src/kafka/platformatic/publishing/publish-job.ts'
import type { PublishFailure, PublishResult } from '../../../../src/transport/publisher.ts'
import { type ModelBatch, ModelPartition } from './model-partition.ts'

const lost: Outcome = { kind: 'unsure', cause: new Error('the connection was cut') }
const late: PublishFailure = { kind: 'retriable', reason: 'late' }
const answer = (errorCode: number): Outcome => outcomeOf({ errorCode, detail: null, recordErrors: [] })

/** A queue whose batches carry numbers. */
class Rig {
  readonly queue: PartitionQueue
  poisoned: PublishFailure | undefined
  batchMax = 1_000

  constructor() {
    this.queue = new PartitionQueue('t', 0, {
      poison: (failure) => {
        this.poisoned = failure
        this.end(failure)
      },
      onStale: () => undefined,
      onTooLarge: (_, bytes) => {
        this.batchMax = Math.max(1, Math.floor(bytes / 2))
      },
    })
  }

  /** As a publisher that is poisoned. */
  end(failure: PublishFailure): void {
    this.queue.fail({ ...failure, kind: 'retriable' }, { ...failure, kind: 'unknown' })
  }

  publish(values: readonly number[]): PublishJob {
    const records = values.map((value) => ({
      topic: 't',
      partition: 0,
      key: null,
      value: String(value),
      headers: [],
    }))
    const job = new PublishJob(records, Number.POSITIVE_INFINITY)
    const indexes = [...values.keys()]
    this.queue.enqueue({ job, indexes, from: 0, to: indexes.length, maybeWritten: false })
    return job
  }

  /** Takes what may be sent now. */
  send(): { readonly sent: Sent; readonly batch: ModelBatch }[] {
    const batches: { sent: Sent; batch: ModelBatch }[] = []
    while (this.queue.maySend) {
      let batch: ModelBatch | undefined
      const write = (span: Span, sequence: number): { end: number; bytes: number } => {
        const end = span.sequence === undefined ? Math.min(span.to, span.from + this.batchMax) : span.to
        const places = span.indexes.slice(span.from, end)
        batch = { sequence, values: places.map((place) => Number(span.job.records[place]?.value)) }
        return { end, bytes: end - span.from }
      }
      const sent = this.queue.send(write)
      if (sent === undefined || batch === undefined) break
      batches.push({ sent, batch })
    }
    return batches
  }
}

describe('batches of a partition', () => {
  test('are numbered one after the other; the first travels alone, then at most five are under way', () => {
    const rig = new Rig()
    for (let n = 0; n < 8; n++) rig.publish([n, n])
    const [first, ...others] = rig.send()
    expect(others).toEqual([])
    rig.queue.answered(first!.sent, answer(code.none))
    expect(rig.send().map(({ batch }) => batch.sequence)).toEqual([2, 4, 6, 8, 10])
  })

  test('numbers begin anew after 2^31 - 1', () => {
    const rig = new Rig()
    rig.publish([0])
    let at = rig.send()[0]!
    // as if 2^31 - 2 records had been sent
    for (const size of [2 ** 30, 2 ** 30 - 3]) {
      rig.queue.answered(at.sent, answer(code.none))
      const job = new PublishJob([], 0)
      rig.queue.enqueue({ job, indexes: [], from: 0, to: size, maybeWritten: false })
      const sent = rig.queue.send((span) => ({ end: span.to, bytes: 1 }))!
      at = { sent, batch: { sequence: sent.sequence, values: [] } }
    }
    rig.queue.answered(at.sent, answer(code.none))
    rig.publish([1, 2, 3])
    rig.publish([4])
    expect(rig.send().map(({ batch }) => batch.sequence)).toEqual([2 ** 31 - 2, 1])
  })

  test('of which one is lost go again under the same numbers, once all others were answered', () => {
    const rig = new Rig()
    rig.publish([0])
    rig.queue.answered(rig.send()[0]!.sent, answer(code.none))
    for (const value of [1, 2, 3]) rig.publish([value])
    const sent = rig.send()
    rig.queue.answered(sent[0]!.sent, lost)
    expect(rig.queue.maySend).toBe(false)
    rig.queue.answered(sent[1]!.sent, answer(45))
    rig.queue.answered(sent[2]!.sent, answer(45))
    expect(rig.queue.notBefore).toBeGreaterThan(performance.now() - 1)
    const [again] = rig.send()
    rig.queue.answered(again!.sent, answer(code.none))
    expect([again, ...rig.send()].map((it) => it?.batch)).toEqual(sent.map(({ batch }) => batch))
    expect(rig.poisoned).toBeUndefined()
  })

  test('behind a refused one fail too, and the next takes its number', async () => {
    const rig = new Rig()
    rig.publish([0])
    rig.queue.answered(rig.send()[0]!.sent, answer(code.none))
    const [bad, behind, waiting] = [rig.publish([1, 2]), rig.publish([3]), rig.publish([4])]
    const sent = rig.send()
    rig.queue.answered(
      sent[0]!.sent,
      outcomeOf({
        errorCode: code.invalidRecord,
        detail: 'no key',
        recordErrors: [{ place: 1, detail: 'compacted topics need one' }],
      }),
    )
    for (const { sent: it } of sent.slice(1)) rig.queue.answered(it, answer(45))
    const result = (await bad.done) as PublishResult & { kind: 'partial' }
    expect([...result.failures].map(([place, { kind, reason }]) => [place, kind, reason])).toEqual([
      [0, 'retriable', expect.stringContaining('another record')],
      [1, 'record', 'compacted topics need one'],
    ])
    for (const job of [behind, waiting])
      expect(await job.done).toMatchObject({ kind: 'failed', failure: { kind: 'retriable' } })
    rig.publish([5])
    expect(rig.send()[0]?.batch.sequence).toBe(1)
  })

  test('are cut smaller where they are too large, down to the record that is', async () => {
    const rig = new Rig()
    const partition = new ModelPartition({ isRefused: () => false, batchMax: 3 })
    const job = rig.publish(Array.from({ length: 20 }, (_, n) => n))
    for (let batches = rig.send(); batches.length > 0; batches = rig.send())
      for (const { sent, batch } of batches) rig.queue.answered(sent, answer(partition.append(batch)))
    expect(await job.done).toEqual({ kind: 'acknowledged' })
    expect(partition.log).toEqual(Array.from({ length: 20 }, (_, n) => n))
    const alone = rig.publish([99])
    rig.queue.answered(rig.send()[0]!.sent, answer(code.messageTooLarge))
    expect(await alone.done).toMatchObject({ kind: 'failed', failure: { kind: 'record' } })
  })

  test('whose number the broker does not expect end the publisher', async () => {
    const rig = new Rig()
    const job = rig.publish([0])
    rig.queue.answered(rig.send()[0]!.sent, answer(45))
    expect(rig.poisoned?.kind).toBe('retriable')
    expect(await job.done).toMatchObject({ kind: 'failed', failure: { kind: 'retriable' } })
  })

  test('that waited too long take those behind them along; where none can be written, the next takes their number', async () => {
    const rig = new Rig()
    const [tooLate, behind] = [rig.publish([0]), rig.publish([1])]
    rig.queue.answered(rig.send()[0]!.sent, answer(code.notEnoughReplicas))
    expect(rig.queue.abandon(tooLate, late)).toBe(false)
    expect(await behind.done).toMatchObject({ failure: { reason: 'late: NOT_ENOUGH_REPLICAS' } })
    rig.publish([2])
    const [again] = rig.send()
    expect(again?.batch.sequence).toBe(0)
    expect(rig.queue.abandon(again!.sent.span.job, late)).toBe(true)
  })

  // a leader that is replaced while its replicas write the batch answers so as well
  test.each([
    code.notLeader,
    code.unknownTopicOrPartition,
    code.leaderNotAvailable,
    code.storageError,
    code.unknownServerError,
  ])(
    'that were answered %i may be written: the publisher ends rather than give their number to another',
    async (errorCode) => {
      const rig = new Rig()
      const [tooLate, behind] = [rig.publish([0]), rig.publish([1])]
      rig.queue.answered(rig.send()[0]!.sent, answer(errorCode))
      expect(rig.queue.abandon(tooLate, late)).toBe(true)
      rig.end(late)
      expect(await tooLate.done).toMatchObject({ failure: { kind: 'unknown' } })
      expect(await behind.done).toMatchObject({ failure: { kind: 'retriable' } })
    },
  )

  test('for a topic that is gone fail for good where they were never sent', async () => {
    const rig = new Rig()
    const job = rig.publish([0])
    rig.queue.failWaiting({ kind: 'topic', reason: 'gone' }, true)
    expect(await job.done).toMatchObject({ failure: { kind: 'topic' } })
    expect(rig.poisoned).toBeUndefined()
  })

  test('for a topic that is gone leave no gap where none can be written', async () => {
    const rig = new Rig()
    const job = rig.publish([0])
    rig.queue.answered(rig.send()[0]!.sent, answer(code.notEnoughReplicas))
    rig.queue.failWaiting({ kind: 'topic', reason: 'gone' }, true)
    expect(await job.done).toMatchObject({ failure: { kind: 'topic' } })
    rig.publish([1])
    expect(rig.send()[0]?.batch.sequence).toBe(0)
    expect(rig.poisoned).toBeUndefined()
  })

  test.each([
    { isGone: true, kind: 'topic' },
    { isGone: false, kind: 'unknown' },
  ])(
    'for a topic that is missing (gone: $isGone) fail as $kind if they were sent, and the publisher ends',
    async ({ isGone, kind }) => {
      const rig = new Rig()
      const [sent, behind] = [rig.publish([0]), rig.publish([1])]
      rig.queue.answered(rig.send()[0]!.sent, answer(code.unknownTopicOrPartition))
      rig.queue.failWaiting({ kind: 'topic', reason: 'gone' }, isGone)
      expect(await sent.done).toMatchObject({ failure: { kind } })
      expect(await behind.done).toMatchObject({ failure: { kind: 'topic' } })
      expect(rig.poisoned).toMatchObject({ reason: 'gone' })
    },
  )

  test('travel alone again after a failure, until the broker has shown that it still knows the producer', () => {
    const rig = new Rig()
    for (let n = 0; n < 6; n++) rig.publish([n])
    rig.queue.answered(rig.send()[0]!.sent, answer(code.none))
    for (const { sent } of rig.send()) rig.queue.answered(sent, lost)
    const [again, ...others] = rig.send()
    expect([again?.batch.sequence, others]).toEqual([1, []])
    rig.queue.answered(again!.sent, answer(code.none))
    expect(rig.send()).toHaveLength(4)
  })

  test('travel alone again after an hour in which nothing was acknowledged: the broker may have forgotten the producer', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const rig = new Rig()
    rig.publish([0])
    rig.queue.answered(rig.send()[0]!.sent, answer(code.none))
    vi.advanceTimersByTime(3_500_000)
    for (let n = 1; n < 3; n++) rig.publish([n])
    const sent = rig.send()
    expect(sent).toHaveLength(2)
    for (const it of sent) rig.queue.answered(it.sent, answer(code.none))
    vi.advanceTimersByTime(3_600_001)
    for (let n = 3; n < 6; n++) rig.publish([n])
    const [first, ...others] = rig.send()
    expect(others).toEqual([])
    rig.queue.answered(first!.sent, answer(code.none))
    expect(rig.send()).toHaveLength(2)
  })

  test('that are late for a trouble of the broker say which', async () => {
    const rig = new Rig()
    const job = rig.publish([0])
    rig.queue.answered(rig.send()[0]!.sent, answer(code.invalidTimestamp))
    rig.queue.abandon(job, late)
    expect(await job.done).toMatchObject({ failure: { reason: 'late: INVALID_TIMESTAMP' } })
  })

  test('that wait behind those of another publish are given up alone', async () => {
    const rig = new Rig()
    const [first, tooLate] = [rig.publish([0]), rig.publish([1])]
    rig.queue.answered(rig.send()[0]!.sent, lost)
    expect(rig.queue.abandon(tooLate, late)).toBe(false)
    expect(await tooLate.done).toMatchObject({ failure: { reason: late.reason } })
    rig.queue.answered(rig.send()[0]!.sent, answer(code.none))
    expect(await first.done).toEqual({ kind: 'acknowledged' })
  })
})

const troubles = [
  'lost before',
  'lost after',
  'not leader',
  'not leader, but appended',
  'too few replicas',
] as const
type Fate = 'ok' | (typeof troubles)[number]
const fates = fc.infiniteStream(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fate>('ok') },
    ...troubles.map((fate) => ({
      weight: 1,
      arbitrary: fc.constant<Fate>(fate),
    })),
  ),
)

/** After which rounds the oldest publish is late, and another one follows. */
const lateness = fc.infiniteStream(
  fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
)

test('whatever happens on the way, what is acknowledged is there once and in order, and what failed for certain is not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 0, max: 60 }),
      fates,
      lateness,
      async (sizes, batchMax, refusedValue, fate, isLate) => {
        const partition = new ModelPartition({ isRefused: (value) => value === refusedValue, batchMax })
        const rig = new Rig()
        let value = 0
        const publish = (size: number): PublishJob => rig.publish(Array.from({ length: size }, () => value++))
        const jobs = sizes.map(publish)
        for (let batches = rig.send(); batches.length > 0; batches = rig.send()) {
          // one connection: what follows a loss is lost as well
          let isCut = false
          const outcomes = batches.map(({ batch }): Outcome => {
            if (isCut) return lost
            const next = fate.next().value
            if (next === 'lost before' || next === 'lost after') {
              isCut = true
              if (next === 'lost after') partition.append(batch)
              return lost
            }
            if (next === 'not leader, but appended') partition.append(batch)
            if (next.startsWith('not leader')) return answer(code.notLeader)
            if (next === 'too few replicas') return answer(code.notEnoughReplicas)
            return answer(partition.append(batch))
          })
          for (const [index, { sent }] of batches.entries()) rig.queue.answered(sent, outcomes[index]!)
          const oldest = jobs.find(({ isDone }) => !isDone)
          if (oldest === undefined || jobs.length > 30 || isLate.next().value !== true) continue
          if (rig.queue.abandon(oldest, late)) rig.end(late)
          else jobs.push(publish((value % 3) + 1))
        }
        const results = await Promise.all(jobs.map(({ done }) => done))
        expect(partition.log).toEqual(partition.log.toSorted((one, other) => one - other))
        expect(new Set(partition.log).size).toBe(partition.log.length)
        for (const [index, job] of jobs.entries()) {
          const result = results[index]!
          for (const [place, { value: sent }] of job.records.entries()) {
            const failure =
              result.kind === 'failed'
                ? result.failure
                : result.kind === 'partial'
                  ? result.failures.get(place)
                  : undefined
            const number = Number(sent)
            const isThere = partition.log.includes(number)
            if (failure === undefined) expect(isThere, `${number} was acknowledged`).toBe(true)
            else if (failure.kind !== 'unknown') expect(isThere, `${number} failed for certain`).toBe(false)
          }
        }
      },
    ),
    { numRuns: 2_000 },
  )
})
