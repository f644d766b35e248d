import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Clock } from '../../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { PublisherLane } from '../../../../src/relay/publishing/publisher-lane.ts'
import { PublisherLanes } from '../../../../src/relay/publishing/publisher-lanes.ts'
import { recordOfRow } from '../../../../src/relay/record/record-of-row.ts'
import type { PublishFailure } from '../../../../src/transport/publisher.ts'
import { rowOf, rowsOf } from '../rows.ts'
import { ScriptedTransport } from '../scripted-transport.ts'

afterEach(() => vi.restoreAllMocks())

const records = (count = 1) => rowsOf(count).map((row) => recordOfRow(row, 'outbox.event.order', 0))
const failed = (kind: PublishFailure['kind']) =>
  ({ kind: 'failed', failure: { kind, reason: 'so' } }) as const

function lane(options: { pausesMs?: number[]; lines?: string[] } = {}) {
  const transport = new ScriptedTransport()
  let nowMs = 0
  // pauses are counted by the monotonic clock, which here goes on by pausing alone
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const clock: Clock = {
    now: () => nowMs,
    pause: async (ms) => {
      options.pausesMs?.push(ms)
      nowMs += ms
      await new Promise(setImmediate)
    },
  }
  const say = (_: object, line: string) => void options.lines?.push(line)
  const logger = { ...silentLogger, warn: say, info: say }
  return {
    transport,
    lane: new PublisherLane({ transport, clock, logger }),
    options: { transport, clock, logger },
  }
}

const scope = (signal = new AbortController().signal, deadlineMs = 1_000) => ({
  signal,
  deadlineMs: () => deadlineMs,
})

describe('a lane', () => {
  test('publishes one batch at a time, in the order in which they came', async () => {
    const { transport, lane: it } = lane()
    let underWay = 0
    let most = 0
    transport.answer = async () => {
      most = Math.max(most, ++underWay)
      await Promise.resolve()
      underWay--
      return { kind: 'acknowledged' }
    }
    await Promise.all(
      [1, 2, 3].map((n) =>
        it.publish([recordOfRow(rowOf({ payload: String(n) }), 'outbox.event.order', 0)], scope()),
      ),
    )
    expect(most).toBe(1)
    expect(transport.bodies).toEqual(['1', '2', '3'])
    expect(it.load).toBe(0)
  })

  test('throws a poisoned publisher away and pauses ever longer before the next', async () => {
    const pausesMs: number[] = []
    const { transport, lane: it } = lane({ pausesMs })
    transport.answer = (_, number) => (number < 5 ? failed('unknown') : { kind: 'acknowledged' })
    for (let n = 1; n <= 4; n++) expect(await it.publish(records(), scope())).toEqual(failed('unknown'))
    expect(await it.publish(records(), scope())).toEqual({ kind: 'acknowledged' })
    expect(transport.publishers.map(({ state }) => state)).toEqual([
      ...Array<string>(4).fill('closed'),
      'ready',
    ])
    expect(pausesMs).toHaveLength(4)
    for (const [n, ms] of pausesMs.entries()) {
      expect(ms).toBeGreaterThanOrEqual(25 * 2 ** n)
      expect(ms).toBeLessThanOrEqual(50 * 2 ** n)
    }
    await it.publish(records(), scope())
    expect(pausesMs).toHaveLength(4)
  })

  test.each(['record', 'topic'] as const)(
    'does not pause after a failure of a %s: the broker answered',
    async (kind) => {
      const pausesMs: number[] = []
      const { transport, lane: it } = lane({ pausesMs })
      transport.answer = (_, number) => (number === 1 ? failed(kind) : { kind: 'acknowledged' })
      await it.publish(records(), scope())
      expect(await it.publish(records(), scope())).toEqual({ kind: 'acknowledged' })
      expect(pausesMs).toEqual([])
      expect(it.trouble).toBeUndefined()
    },
  )

  test('says once that it waits for Kafka, and once that it works again', async () => {
    const lines: string[] = []
    const { transport, lane: it } = lane({ lines })
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    for (let n = 0; n < 3; n++) expect(await it.publish(records(), scope())).toMatchObject({ kind: 'failed' })
    expect(it.trouble).toContain('KAFKA_UNREACHABLE')
    transport.unreachable = undefined
    await it.publish(records(), scope())
    expect(it.trouble).toBeUndefined()
    expect(lines).toEqual([
      'waiting for Kafka: publishing does not get through and is tried again',
      'Kafka answers again',
    ])
  })

  test('does not take a connection for publishing that gets through', async () => {
    const { transport, lane: it } = lane()
    transport.answer = (_, number) => (number < 3 ? failed('unknown') : { kind: 'acknowledged' })
    await it.publish(records(), scope())
    await it.publish(records(), scope())
    expect(it.trouble).toBe('so')
    expect(await it.open(new AbortController().signal)).toBeUndefined()
    expect(it.trouble).toBe('so')
    await it.publish(records(), scope())
    expect(it.trouble).toBeUndefined()
  })

  test('a failure that says nothing counts more than one of a record beside it', async () => {
    const { transport, lane: it } = lane()
    transport.answer = () => ({
      kind: 'partial',
      failures: new Map([
        [0, { kind: 'record', reason: 'too large' }],
        [1, { kind: 'unknown', reason: 'no answer' }],
      ]),
    })
    await it.publish(records(2), scope())
    expect(it.trouble).toBe('no answer')
  })

  test('sends nothing once its scope has ended, or when the lease is gone', async () => {
    const { transport, lane: it } = lane()
    expect(await it.publish(records(), scope(AbortSignal.abort()))).toMatchObject({ kind: 'failed' })
    expect(await it.publish(records(), scope(undefined, 0))).toMatchObject({ kind: 'failed' })
    expect(transport.batches).toEqual([])
  })

  test('hands over the deadline that the lease leaves', async () => {
    const { transport, lane: it } = lane()
    await it.publish(records(), scope(undefined, 432))
    expect(transport.deadlinesMs).toEqual([432])
  })

  test('returns why partitions could not be asked for', async () => {
    const { transport, lane: it } = lane()
    const { signal } = new AbortController()
    expect(await it.partitionCount('outbox.event.order', signal)).toBe(4)
    expect(await it.partitionCount('missing', signal)).toBeUndefined()
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    expect(await it.partitionCount('missing', signal)).toMatchObject({ kind: 'retriable' })
  })

  test('lets go of its publisher', async () => {
    const { transport, lane: it } = lane()
    await it.open(new AbortController().signal)
    await it.close(10)
    expect(transport.publishers).toEqual([{ state: 'closed' }])
    await it.close(10)
  })
})

describe('lanes', () => {
  test('offer the one with the least to do', async () => {
    const { options, transport } = lane()
    const lanes = new PublisherLanes({ ...options, count: 2 })
    let acknowledge = (): void => undefined
    transport.answer = () =>
      new Promise((resolve) => {
        acknowledge = () => resolve({ kind: 'acknowledged' })
      })
    expect(lanes.idlest()).toBe(0)
    const publishing = lanes.lane(0).publish(records(), scope())
    expect(lanes.idlest()).toBe(1)
    await new Promise(setImmediate)
    acknowledge()
    await publishing
    expect(lanes.idlest()).toBe(0)
  })

  test('wait for Kafka to open, and refuse to wait for a client that Kafka refuses', async () => {
    const { options, transport } = lane()
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    const opening = new PublisherLanes({ ...options, count: 2 }).open(new AbortController().signal)
    await new Promise(setImmediate)
    transport.unreachable = undefined
    await opening
    transport.unreachable = new BackstitchError('KAFKA_ACCESS_DENIED', 'not you')
    const refused = new PublisherLanes({ ...options, count: 1 }).open(new AbortController().signal)
    await expect(refused).rejects.toMatchObject({ code: 'KAFKA_ACCESS_DENIED' })
  })

  test('ask for partitions until Kafka answers or the asker ends', async () => {
    const { options, transport } = lane()
    const lanes = new PublisherLanes({ ...options, count: 1 })
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    const end = new AbortController()
    const asking = lanes.partitionCount('outbox.event.order', end.signal)
    await new Promise(setImmediate)
    expect(lanes.trouble).toContain('nobody there')
    transport.unreachable = undefined
    expect(await asking).toBe(4)
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    const ending = lanes.partitionCount('other', end.signal)
    await new Promise(setImmediate)
    end.abort()
    expect(await ending).toBeUndefined()
  })
})
