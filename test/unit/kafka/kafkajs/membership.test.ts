import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import type { Client } from '../../../../src/kafka/kafkajs/client/client.ts'
import { KafkajsMembership } from '../../../../src/kafka/kafkajs/membership/membership.ts'
import { BatchLanes } from '../../../../src/transport/group/batch-lanes.ts'

type FakeAssigner = {
  protocol(of: { topics: string[] }): unknown
  beforeJoining(group: object): Promise<void>
}

/** A kafkajs consumer that does nothing but what the test says. */
class FakeConsumer extends EventEmitter {
  readonly events = {
    FETCH: 'fetch',
    HEARTBEAT: 'heartbeat',
    GROUP_JOIN: 'join',
    CRASH: 'crash',
    STOP: 'stop',
  }
  readonly calls: string[] = []
  running = Promise.withResolvers<void>()
  config: { partitionAssigners?: ((config: object) => FakeAssigner)[] } = {}
  connect = async (): Promise<void> => void this.calls.push('connect')
  subscribe = async (): Promise<void> => void this.calls.push('subscribe')
  disconnect = async (): Promise<void> => void this.calls.push('disconnect')
  run = (): Promise<void> => {
    this.calls.push('run')
    return this.running.promise
  }

  join(partitions: number[]): void {
    this.running.resolve()
    this.emit('join', { payload: { memberAssignment: { t: partitions } } })
  }

  beginRejoin(): void {
    this.assigner.protocol({ topics: ['t'] })
  }

  get assigner(): FakeAssigner {
    return this.config.partitionAssigners![0]!({})
  }
}

describe('a membership', () => {
  let consumer: FakeConsumer
  let cutOff: ReturnType<typeof vi.fn>
  let membership: KafkajsMembership
  let settled: ReturnType<typeof vi.fn<() => Promise<void>>>
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'],
    })
    consumer = new FakeConsumer()
    cutOff = vi.fn()
    settled = vi.fn(async () => undefined)
    const kafka = { consumer: (config: FakeConsumer['config']) => Object.assign(consumer, { config }) }
    membership = new KafkajsMembership({
      client: { kafka, cutOff } as unknown as Client,
      group: 'g',
      topics: ['t'],
      partitionsConcurrentMax: 4,
      sessionTimeoutMs: 6_000,
      maxWaitMs: 500,
      instanceId: undefined,
      onNameTaken: () => undefined,
      lanes: new BatchLanes(4),
      onBatch: async () => ({ kind: 'done' }),
      settled,
      logger: silentLogger,
    })
  })
  afterEach(() => vi.useRealTimers())

  const joined = async (): Promise<void> => {
    const joining = membership.join()
    await vi.advanceTimersByTimeAsync(0)
    consumer.join([1, 0])
    await joining
  }

  test('has its assignment from a join to the next', async () => {
    expect(membership.assignment).toEqual([])
    await joined()
    expect(membership.assignment).toEqual(['t/0', 't/1'])
    consumer.beginRejoin()
    expect(membership.assignment).toEqual([])
    consumer.join([2])
    expect(membership.assignment).toEqual(['t/2'])
  })

  test('holds a join until all is settled, a second at most; the first join is not held', async () => {
    const group = { maxWaitTime: 500 }
    settled.mockImplementation(() => new Promise(() => undefined))
    await consumer.assigner.beforeJoining(group)
    await joined()
    expect(settled).not.toHaveBeenCalled()
    const free = vi.fn()
    void consumer.assigner.beforeJoining(group).then(free)
    expect(settled).toHaveBeenCalledTimes(1)
    expect(membership.assignment).toEqual(['t/0', 't/1'])
    await vi.advanceTimersByTimeAsync(990)
    expect(free).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(10)
    expect(free).toHaveBeenCalled()
    expect(group.maxWaitTime).toBe(500)
  })

  test('cannot join where kafkajs crashes while it joins, which kafkajs does not tell the caller of run', async () => {
    const joining = membership.join()
    const outcome = expect(joining).rejects.toThrow('no coordinator')
    await vi.advanceTimersByTimeAsync(0)
    consumer.running.resolve()
    consumer.emit('crash', { payload: { error: new Error('no coordinator') } })
    await outcome
  })

  test('ends with the reason of a crash, which comes after the stop', async () => {
    await joined()
    consumer.emit('stop', {})
    await vi.advanceTimersByTimeAsync(10)
    consumer.emit('crash', { payload: { error: new Error('the reason') } })
    expect((await membership.ended).message).toBe('the reason')
  })

  test('ends when kafkajs stops without a reason', async () => {
    await joined()
    consumer.emit('stop', {})
    await vi.advanceTimersByTimeAsync(1_000)
    expect((await membership.ended).message).toContain('stopped by itself')
  })

  test('ends when kafkajs falls silent, and not before', async () => {
    await joined()
    const ended = vi.fn()
    void membership.ended.then(ended)
    for (let second = 0; second < 60; second += 1) {
      await vi.advanceTimersByTimeAsync(1_000)
      consumer.emit(second % 2 === 0 ? 'fetch' : 'heartbeat', {})
    }
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(22_000)
    expect(ended).toHaveBeenCalledTimes(1)
    expect((await membership.ended).message).toContain('no sign of life')
  })

  test('leaves only once kafkajs has started, which would else forget the stop; cut off at the latest after its grace', async () => {
    void membership.join().catch(() => undefined)
    await vi.advanceTimersByTimeAsync(0)
    const leaving = membership.leave(2_000)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(consumer.calls).not.toContain('disconnect')
    consumer.running.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(consumer.calls).toContain('disconnect')
    await leaving
    expect(cutOff).toHaveBeenCalledTimes(1)
  })

  test('is cut off where kafkajs never starts', async () => {
    void membership.join().catch(() => undefined)
    const leaving = membership.leave(500)
    await vi.advanceTimersByTimeAsync(500)
    await leaving
    expect(cutOff).toHaveBeenCalledTimes(1)
  })
})
