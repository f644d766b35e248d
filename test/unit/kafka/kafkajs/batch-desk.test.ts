import { KafkaJSProtocolError, type EachBatchPayload } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { BatchDesk } from '../../../../src/kafka/kafkajs/membership/batch-desk.ts'
import { BatchLanes } from '../../../../src/transport/group/batch-lanes.ts'
import { Tenure } from '../../../../src/transport/group/tenure.ts'
import type { BatchResult, ReceivedBatch } from '../../../../src/transport/subscriber.ts'

const done: BatchResult = { kind: 'done' }

/** A batch of kafkajs with the offsets 5, 6, 7, and what was done to it. */
function kafkajsBatch(partition = 0) {
  const calls = {
    resolved: [] as string[],
    isPaused: false,
    pauses: 0,
    heartbeats: 0,
    committed: [] as unknown[],
  }
  const state = { heartbeat: undefined as Error | undefined, commit: undefined as Error | undefined }
  const messages = ['5', '6', '7'].map((offset) => ({
    offset,
    timestamp: '1',
    key: null,
    value: null,
    headers: {},
  }))
  const payload = {
    batch: { topic: 't', partition, highWatermark: '9', messages },
    resolveOffset: (offset: string) => void calls.resolved.push(offset),
    heartbeat: async () => {
      calls.heartbeats += 1
      if (state.heartbeat) throw state.heartbeat
    },
    pause: () => {
      calls.isPaused = true
      calls.pauses += 1
      return () => void (calls.isPaused = false)
    },
    commitOffsetsIfNecessary: async (offsets: unknown) => {
      if (state.commit) throw state.commit
      calls.committed.push(offsets)
    },
  } as unknown as EachBatchPayload
  return { payload, calls, state }
}

const said = (type: string): Error =>
  new KafkaJSProtocolError({ message: type, type, code: 1, retriable: false } as never)

describe('the batch desk', () => {
  let closing: AbortController
  beforeEach(() => {
    vi.useFakeTimers()
    closing = new AbortController()
  })
  afterEach(() => vi.useRealTimers())

  const deskOf = (onBatch: (batch: ReceivedBatch) => Promise<BatchResult>, slotsMax = 4): BatchDesk =>
    new BatchDesk({ lanes: new BatchLanes(slotsMax), onBatch, logger: silentLogger, closing: closing.signal })

  test('resolves what is done and commits only when told', async () => {
    const { payload, calls } = kafkajsBatch()
    const desk = deskOf(async (batch) => {
      expect(batch.records.map(({ offset }) => offset)).toEqual([5n, 6n, 7n])
      expect(batch.highWatermark).toBe(9n)
      expect(await batch.commit(7n)).toBe('committed')
      return done
    })
    await desk.handOver(payload, new Tenure())
    expect(calls).toMatchObject({ resolved: ['7'], pauses: 0 })
    expect(calls.committed).toEqual([
      { topics: [{ topic: 't', partitions: [{ partition: 0, offset: '7' }] }] },
    ])
  })

  test('pauses for `retryAfter` and goes on at its offset', async () => {
    const { payload, calls } = kafkajsBatch()
    await deskOf(async () => ({ kind: 'retryAfter', retryAfterMs: 400, nextOffset: 6n })).handOver(
      payload,
      new Tenure(),
    )
    expect(calls).toMatchObject({ resolved: ['5'], isPaused: true })
    await vi.advanceTimersByTimeAsync(399)
    expect(calls.isPaused).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    expect(calls.isPaused).toBe(false)
  })

  test('pauses at once for `pauseUntil`, with all resolved, and goes on when it settles', async () => {
    const { payload, calls } = kafkajsBatch()
    const { promise, resolve } = Promise.withResolvers<void>()
    const desk = deskOf(async () => ({ kind: 'done', pauseUntil: promise }))
    await desk.handOver(payload, new Tenure())
    expect(calls).toMatchObject({ resolved: ['7'], isPaused: true })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(calls.isPaused).toBe(true)
    resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(calls.isPaused).toBe(false)
  })

  test('ends all pauses with the tenure, and the end of an earlier pause is none of a later one', async () => {
    const [first, second] = [kafkajsBatch(), kafkajsBatch()]
    const untils = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let handed = 0
    const desk = deskOf(async () => ({ kind: 'done', pauseUntil: untils[handed++]!.promise }))
    const [old, recent] = [new Tenure(), new Tenure()]
    await desk.handOver(first.payload, old)
    old.end()
    await vi.advanceTimersByTimeAsync(0)
    expect(first.calls.isPaused).toBe(false)
    await desk.handOver(second.payload, recent)
    untils[0]!.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(first.calls.isPaused).toBe(false)
    expect(second.calls.isPaused).toBe(true)
    untils[1]!.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(second.calls.isPaused).toBe(false)
  })

  test('fetches are held shorter while a partition is paused: an eighth of the pause so far', async () => {
    const { payload } = kafkajsBatch()
    const { promise, resolve } = Promise.withResolvers<void>()
    const desk = deskOf(async () => ({ kind: 'done', pauseUntil: promise }))
    expect(desk.waitMs(500)).toBe(500)
    await desk.handOver(payload, new Tenure())
    expect(desk.waitMs(500)).toBe(10)
    await vi.advanceTimersByTimeAsync(800)
    expect(desk.waitMs(500)).toBe(100)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(desk.waitMs(500)).toBe(500)
    expect(desk.waitMs(5)).toBe(5)
    resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(desk.waitMs(500)).toBe(500)
  })

  test('takes a throw as `retryAfter` one second, with nothing done', async () => {
    const { payload, calls } = kafkajsBatch()
    await deskOf(() => Promise.reject(new Error('trouble'))).handOver(payload, new Tenure())
    expect(calls).toMatchObject({ resolved: ['4'], isPaused: true })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(calls.isPaused).toBe(false)
  })

  test('keeps a stopped partition paused until the group is dealt out anew', async () => {
    const { payload, calls } = kafkajsBatch()
    const tenure = new Tenure()
    await deskOf(async () => ({ kind: 'stop' })).handOver(payload, tenure)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(calls).toMatchObject({ resolved: [], isPaused: true })
    tenure.end()
    await vi.advanceTimersByTimeAsync(0)
    expect(calls.isPaused).toBe(false)
  })

  test('lets kafkajs go on after a second, and resumes the partition when its handler returns', async () => {
    const { payload, calls } = kafkajsBatch()
    const { promise, resolve } = Promise.withResolvers<BatchResult>()
    let isHandedOver = false
    void deskOf(() => promise)
      .handOver(payload, new Tenure())
      .then(() => (isHandedOver = true))
    await vi.advanceTimersByTimeAsync(990)
    expect(isHandedOver).toBe(false)
    await vi.advanceTimersByTimeAsync(20)
    expect(isHandedOver).toBe(true)
    expect(calls).toMatchObject({ isPaused: true, resolved: [] })
    expect(calls.heartbeats).toBeGreaterThanOrEqual(3)
    resolve(done)
    await vi.advanceTimersByTimeAsync(0)
    expect(calls).toMatchObject({ isPaused: false, resolved: ['7'] })
  })

  test('never hands over two batches of a partition at once, not even of two tenures', async () => {
    const [first, second] = [kafkajsBatch(), kafkajsBatch()]
    const { promise, resolve } = Promise.withResolvers<BatchResult>()
    const onBatch = vi.fn(() => promise)
    const desk = deskOf(onBatch)
    const old = new Tenure()
    const handing = desk.handOver(first.payload, old)
    await vi.advanceTimersByTimeAsync(1_100)
    await handing
    old.end()
    await desk.handOver(second.payload, new Tenure())
    expect(onBatch).toHaveBeenCalledTimes(1)
    expect(second.calls).toMatchObject({ isPaused: true, resolved: [] })
    resolve(done)
    await vi.advanceTimersByTimeAsync(0)
    expect(second.calls.isPaused).toBe(false)
    expect(first.calls.resolved).toEqual([]) // its tenure is over: the position is what was committed
  })

  test('winds its tenure down when a heartbeat says that the group is dealt out anew; commits then still go', async () => {
    const { payload, calls, state } = kafkajsBatch()
    const tenure = new Tenure()
    state.heartbeat = said('REBALANCE_IN_PROGRESS')
    const outcome = Promise.withResolvers<string>()
    const desk = deskOf(async (batch) => {
      await new Promise((resolve) => batch.signal.addEventListener('abort', resolve))
      outcome.resolve(await batch.commit(6n))
      return { kind: 'retryAfter', retryAfterMs: 0, nextOffset: 6n }
    })
    const handing = desk.handOver(payload, tenure)
    await vi.advanceTimersByTimeAsync(300)
    await handing
    expect(await outcome.promise).toBe('committed')
    expect(tenure.isOver).toBe(false)
    expect(calls.resolved).toEqual(['5'])
  })

  test('goes on when a heartbeat fails for another reason', async () => {
    const { payload, state } = kafkajsBatch()
    const tenure = new Tenure()
    state.heartbeat = new Error('socket')
    const handing = deskOf(() => new Promise(() => undefined)).handOver(payload, tenure)
    await vi.advanceTimersByTimeAsync(1_100)
    await handing
    expect(tenure.signal.aborted).toBe(false)
  })

  test.each([
    ['ILLEGAL_GENERATION', 'stale'],
    ['UNKNOWN_MEMBER_ID', 'stale'],
    ['REBALANCE_IN_PROGRESS', 'stale'],
    ['REQUEST_TIMED_OUT', 'failed'],
  ])('a commit that meets %s is %s', async (type, expected) => {
    const { payload, state } = kafkajsBatch()
    state.commit = said(type)
    const tenure = new Tenure()
    const desk = deskOf(async (batch) => {
      expect(await batch.commit(6n)).toBe(expected)
      return done
    })
    await desk.handOver(payload, tenure)
    expect(tenure.signal.aborted).toBe(expected === 'stale')
    expect.assertions(2)
  })

  test('sends no commit once its tenure is over', async () => {
    const { payload, calls } = kafkajsBatch()
    const tenure = new Tenure()
    const desk = deskOf(async (batch) => {
      tenure.end()
      expect(await batch.commit(6n)).toBe('stale')
      return done
    })
    await desk.handOver(payload, tenure)
    expect(calls).toMatchObject({ committed: [], resolved: [] })
  })

  test('begins nothing without a tenure, after it was wound down, or while leaving, and does not spin', async () => {
    const onBatch = vi.fn(async () => done)
    const desk = deskOf(onBatch)
    const aborted = new Tenure()
    aborted.windDown()
    for (const tenure of [undefined, aborted]) {
      const { payload, calls } = kafkajsBatch()
      const handing = desk.handOver(payload, tenure)
      await vi.advanceTimersByTimeAsync(50)
      await handing
      expect(calls.resolved).toEqual([])
    }
    closing.abort()
    await desk.handOver(kafkajsBatch().payload, new Tenure())
    expect(onBatch).not.toHaveBeenCalled()
  })

  test('handlers wait for a slot, and are not begun if their tenure ended meanwhile', async () => {
    const [first, second] = [kafkajsBatch(0), kafkajsBatch(1)]
    const { promise, resolve } = Promise.withResolvers<BatchResult>()
    const onBatch = vi.fn(() => promise)
    const desk = deskOf(onBatch, 1)
    const tenure = new Tenure()
    const handing = [desk.handOver(first.payload, tenure), desk.handOver(second.payload, tenure)]
    await vi.advanceTimersByTimeAsync(1_100)
    await Promise.all(handing)
    expect(onBatch).toHaveBeenCalledTimes(1)
    tenure.end()
    resolve(done)
    await vi.advanceTimersByTimeAsync(0)
    expect(onBatch).toHaveBeenCalledTimes(1)
    expect(second.calls).toMatchObject({ isPaused: false, resolved: [] })
  })
})
