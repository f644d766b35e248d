import { afterEach, expect, test, vi } from 'vitest'
import type { Cluster } from '../../../../src/kafka/platformatic/client/cluster.ts'
import type { FetchAnswer, FetchTarget } from '../../../../src/kafka/platformatic/membership/fetch-request.ts'
import * as fetchRequest from '../../../../src/kafka/platformatic/membership/fetch-request.ts'
import { Fetching } from '../../../../src/kafka/platformatic/membership/fetching.ts'
import type { GroupSession } from '../../../../src/kafka/platformatic/membership/group-session.ts'
import { PartitionReader } from '../../../../src/kafka/platformatic/membership/partition-reader.ts'
import { type Logger, silentLogger } from '../../../../src/kernel/logger.ts'
import { BatchLanes } from '../../../../src/transport/group/batch-lanes.ts'
import { Tenure } from '../../../../src/transport/group/tenure.ts'
import type { BatchResult, ReceivedBatch } from '../../../../src/transport/subscriber.ts'
import { batchAsKept } from './batch-as-kept.ts'

vi.mock(import('../../../../src/kafka/platformatic/membership/fetch-request.ts'))

const patience = { timeout: 20_000 }
const tenures: Tenure[] = []
afterEach(() => {
  for (const tenure of tenures.splice(0)) tenure.end()
})

const none: FetchAnswer = { errorCode: 0, highWatermark: 0n, aborted: [], bytes: Buffer.alloc(0) }
const offsetOutOfRange: FetchAnswer = { ...none, errorCode: 1 }

/** Partitions of one topic on one broker, which answers as the test says. */
function rig(
  partitions: number,
  answerOf: (target: FetchTarget) => FetchAnswer,
  onBatch: (batch: ReceivedBatch) => Promise<BatchResult>,
  maxWaitMs = 5,
) {
  const tenure = new Tenure()
  tenures.push(tenure)
  const warnings: object[] = []
  const logger: Logger = { ...silentLogger, warn: (fields) => void warnings.push(fields) }
  const fetched: FetchTarget[] = []
  const waitsMs: number[] = []
  vi.mocked(fetchRequest.fetchFrom).mockImplementation(async (_, targets, waitMs) => {
    waitsMs.push(waitMs)
    await new Promise((resolve) => setTimeout(resolve, 1))
    fetched.push(...targets)
    const answers = targets.map((it): [number, FetchAnswer] => [it.partition, answerOf(it)])
    return { errorCode: 0, partitions: new Map([['id', new Map(answers)]]) }
  })
  const indexes = Array.from({ length: partitions }, (_, index) => index)
  const described = indexes.map((partitionIndex) => ({ partitionIndex, leaderId: 1 }))
  const listing = (_key: number, _version: number, ...rest: unknown[]): void => {
    const done = rest.at(-1) as (error: null, answer: unknown) => void
    const answered = indexes.map((partitionIndex) => ({ partitionIndex, errorCode: 0, offset: 5n }))
    done(null, { topics: [{ name: 't', partitions: answered }] })
  }
  const cluster = {
    describe: async () => ({
      topics: [{ name: 't', topicId: 'id', errorCode: 0, partitions: described }],
    }),
    broker: async () => ({ send: listing }),
  } as unknown as Cluster
  const committed = new Map([['t', new Map(indexes.map((index) => [index, 0n]))]])
  const readers = indexes.map(
    (partition) =>
      new PartitionReader('t', partition, {
        tenure,
        logger,
        lanes: new BatchLanes(4),
        onBatch,
        commit: async () => 'committed',
        onWanting: () => fetching.advance(),
      }),
  )
  const fetching = new Fetching({
    cluster,
    session: { committed: async () => committed } as unknown as GroupSession,
    readers,
    maxWaitMs,
    signal: tenure.signal,
    logger,
  })
  fetching.advance()
  return { warnings, fetched, readers, waitsMs }
}

test('a batch that cannot be read holds up its own partition alone, and is told once', async () => {
  const sound = batchAsKept(0, ['a'])
  const corrupt = batchAsKept(0, ['a'])
  corrupt[corrupt.length - 1]! ^= 1
  const handled = Promise.withResolvers<ReceivedBatch>()
  const { warnings, fetched } = rig(
    2,
    ({ partition, position }) =>
      partition === 0
        ? { ...none, bytes: corrupt }
        : { ...none, bytes: position === 0n ? sound : Buffer.alloc(0) },
    async (batch) => {
      handled.resolve(batch)
      return { kind: 'done' }
    },
  )
  expect((await handled.promise).partition).toBe(1)
  await vi.waitFor(
    () => expect(fetched.filter(({ position }) => position === 1n).length).toBeGreaterThan(3),
    patience,
  )
  expect(warnings).toEqual([
    { topic: 't', partition: 0, position: '0', error: expect.stringContaining('corrupt') },
  ])
  expect(fetched.filter(({ partition }) => partition === 0).length).toBeLessThan(3)
})

test('an offset that does not exist is told of with the one at which reading goes on', async () => {
  const { warnings, fetched } = rig(
    1,
    ({ position }) => (position === 0n ? offsetOutOfRange : none),
    async () => ({ kind: 'done' }),
  )
  await vi.waitFor(() => expect(fetched.at(-1)?.position).toBe(5n), patience)
  expect(warnings).toEqual([{ topic: 't', partition: 0, from: '0', to: '5' }])
})

test('a reader that was sent elsewhere meanwhile stays there', async () => {
  let isFirst = true
  const { warnings, fetched, readers } = rig(
    1,
    () => {
      if (!isFirst) return none
      isFirst = false
      readers[0]?.seek(9n)
      return offsetOutOfRange
    },
    async () => ({ kind: 'done' }),
  )
  await vi.waitFor(() => expect(fetched.length).toBeGreaterThan(2), patience)
  expect(new Set(fetched.slice(1).map(({ position }) => position))).toEqual(new Set([9n]))
  expect(warnings).toEqual([])
})

test('fetches are held shortly while a partition has records in hand, and longer the longer it has them', async () => {
  const sound = batchAsKept(0, ['a'])
  const letGo = Promise.withResolvers<void>()
  const { waitsMs } = rig(
    2,
    ({ partition, position }) => (partition === 0 && position === 0n ? { ...none, bytes: sound } : none),
    async () => ({ kind: 'done', pauseUntil: letGo.promise }),
    200,
  )
  const shorter = (): number => waitsMs.findIndex((waitMs) => waitMs < 200)
  await vi.waitFor(() => expect(shorter()).toBeGreaterThan(0), patience)
  await vi.waitFor(() => expect(waitsMs.at(-1)).toBe(200), patience)
  const held = waitsMs.slice(shorter())
  expect(held).toEqual(held.toSorted((one, other) => one - other))
  expect(held.length).toBeGreaterThan(10)
  letGo.resolve()
})

test('pauses leave nothing behind on the signal of the tenure', async () => {
  const adding = vi.spyOn(AbortSignal.prototype, 'addEventListener')
  const removing = vi.spyOn(AbortSignal.prototype, 'removeEventListener')
  let isRefused = true
  const { fetched } = rig(
    1,
    () => (isRefused ? { ...none, errorCode: 6 } : none),
    async () => ({ kind: 'done' }),
  )
  await vi.waitFor(() => expect(fetched.length).toBeGreaterThan(2), patience)
  isRefused = false
  const before = fetched.length
  await vi.waitFor(() => expect(fetched.length).toBeGreaterThan(before + 3), patience)
  expect(adding.mock.calls.length).toBeGreaterThan(1)
  expect(removing.mock.calls.length).toBe(adding.mock.calls.length)
  vi.restoreAllMocks()
})
