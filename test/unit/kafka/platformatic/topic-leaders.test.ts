import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Cluster } from '../../../../src/kafka/platformatic/client/cluster.ts'
import { TopicLeaders } from '../../../../src/kafka/platformatic/client/topic-leaders.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => vi.useRealTimers())

test('a partition that was not there is asked for again after a while: topics grow', async () => {
  let count = 2
  const describe = async () => ({
    topics: [
      {
        name: 't',
        topicId: 'id',
        errorCode: 0,
        partitions: Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, leaderId: 7 })),
      },
    ],
  })
  const leaders = new TopicLeaders({ describe } as unknown as Cluster)
  await leaders.ask('t')
  expect([leaders.leaderOf('t', 1), leaders.leaderOf('t', 2)]).toEqual([7, 'missing'])
  count = 3
  vi.advanceTimersByTime(1_001)
  // who leads is believed until a broker says otherwise
  expect([leaders.leaderOf('t', 1), leaders.leaderOf('t', 2)]).toEqual([7, undefined])
  await leaders.ask('t')
  expect(leaders.leaderOf('t', 2)).toBe(7)
})
