import { expect, test } from 'vitest'
import { z } from 'zod'
import { event } from '../../../../src/message/event.ts'
import type { Config } from '../../../../src/runtime/config.ts'
import { wantedTopics } from '../../../../src/runtime/doctor/wanted-topics.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (it) => it.id,
  payload: z.object({ id: z.string() }),
})
const config = {
  contracts: [Placed],
  orchestrator: undefined,
  topicPrefix: 'p.',
  topics: { partitions: 3 },
} as unknown as Config

test('what is declared, written, written to and waited for is wanted, each topic once', () => {
  const one = {
    topics: [
      { origin: 'outbox' as const, name: 'order', rows: 4 },
      { origin: 'quarantine' as const, name: 'p.order', rows: 2 },
    ],
    pins: [{ topic: 'p.stock.command', partitions: 6, is_adopted: false }],
  }
  const other = {
    topics: [{ origin: 'outbox' as const, name: 'order', rows: 1 }],
    pins: [{ topic: 'p.order', partitions: 2, is_adopted: true }],
  }
  expect(wantedTopics(config, [one, other])).toEqual([
    { topic: 'p.order', partitions: 3, carriesCommands: false, rows: 5, parked: 2 },
    { topic: 'p.stock.command', pinned: 6, carriesCommands: true, rows: 0, parked: 0 },
  ])
})

test('what groups read is wanted, with the one that remembers it for the shortest time', () => {
  const reader = (group: string, topics: string[], ms: number) => ({
    group,
    topics,
    retention_ms: String(ms),
  })
  const readers = [
    reader('a', ['p.order', 'p.card'], 9),
    reader('b', ['p.order'], 7),
    reader('c', ['p.order'], 8),
  ]
  expect(wantedTopics(config, [], readers).map(({ topic, remembered }) => [topic, remembered])).toEqual([
    ['p.card', { group: 'a', ms: 9 }],
    ['p.order', { group: 'b', ms: 7 }],
  ])
})
