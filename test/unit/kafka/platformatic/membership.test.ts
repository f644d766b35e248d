import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { clientSettings } from '../../../../src/kafka/platformatic/client/client-settings.ts'
import { GroupSession } from '../../../../src/kafka/platformatic/membership/group-session.ts'
import { PlatformaticMembership } from '../../../../src/kafka/platformatic/membership/membership.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { BatchLanes } from '../../../../src/transport/group/batch-lanes.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('a member goes on heartbeating while it counts partitions, and joins again once their number has changed', async () => {
  const counting = Promise.withResolvers<boolean>()
  const join = vi.spyOn(GroupSession.prototype, 'join').mockResolvedValue(new Map())
  const heartbeat = vi.spyOn(GroupSession.prototype, 'heartbeat').mockResolvedValue('well')
  const isOutdated = vi.spyOn(GroupSession.prototype, 'isOutdated').mockReturnValueOnce(counting.promise)
  isOutdated.mockResolvedValue(false)
  vi.spyOn(GroupSession.prototype, 'leave').mockResolvedValue()
  const membership = new PlatformaticMembership(clientSettings({ brokers: ['127.0.0.1:1'] }), {
    group: 'g',
    topics: ['t'],
    partitionsConcurrentMax: 4,
    sessionTimeoutMs: 6_000,
    maxWaitMs: 500,
    instanceId: undefined,
    onNameTaken: () => undefined,
    lanes: new BatchLanes(4),
    onBatch: async () => ({ kind: 'done' }),
    settled: async () => undefined,
    logger: silentLogger,
  })
  await membership.join()
  await vi.advanceTimersByTimeAsync(40_000)
  expect(isOutdated).toHaveBeenCalledTimes(1)
  expect(heartbeat.mock.calls.length).toBeGreaterThan(35)
  expect(join).toHaveBeenCalledTimes(1)
  counting.resolve(true)
  await vi.advanceTimersByTimeAsync(2_500)
  expect(join).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(40_000)
  expect(isOutdated.mock.calls.length).toBeGreaterThan(3)
  expect(join).toHaveBeenCalledTimes(2)
  await membership.leave(0)
})
