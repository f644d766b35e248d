import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { command } from '../../../src/message/command.ts'
import { event } from '../../../src/message/event.ts'
import { sagaBuilderFor } from '../../../src/saga/definition/saga-builder.ts'
import { applyTopics, declaredTopics, planTopics } from '../../../src/runtime/topics.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'

const id = z.object({ id: z.string() })
const OrderPlaced = event('order.placed', { version: 1, key: (it) => it.id, payload: id })
const Reserve = command('stock.reserve', { version: 1, key: (it) => it.id, request: id, ok: id })
const Unreserve = command('stock.unreserve', { version: 1, key: (it) => it.id, request: id, ok: id })
const Release = command('depot.release', { version: 1, key: (it) => it.id, request: id, ok: id })

const definition = sagaBuilderFor(
  'place-order',
  { version: 1, input: id, key: (it) => it.id, orchestrator: 'shop' },
  (it) => it,
)
  .step('reserve', {
    send: Reserve,
    with: ({ input }) => input,
    undo: { send: Unreserve, with: ({ request }) => request },
  })
  .build()

describe('declared topics', () => {
  test('are those of events, commands, replies and starts, once each', () => {
    expect(
      declaredTopics({ contracts: [OrderPlaced, Release], sagas: [definition, definition] }).map(
        ({ topic }) => topic,
      ),
    ).toEqual([
      'outbox.event.depot.command',
      'outbox.event.order',
      'outbox.event.shop.reply',
      'outbox.event.shop.saga',
      'outbox.event.stock.command',
    ])
  })

  test('carry the prefix and the numbers', () => {
    expect(
      declaredTopics({ contracts: [OrderPlaced], topicPrefix: 'test.', partitions: 3, replicationFactor: 2 }),
    ).toEqual([{ topic: 'test.order', partitions: 3, replicationFactor: 2 }])
    expect(declaredTopics({ contracts: [OrderPlaced] })).toEqual([
      { topic: 'outbox.event.order', partitions: 6 },
    ])
  })
})

describe('a plan', () => {
  const contracts = [OrderPlaced, Reserve, Release]

  test('tells missing, equal and different topics apart', async () => {
    const transport = inMemoryTransport({ topics: { 'test.order': 3, 'test.stock.command': 12, other: 1 } })
    expect(
      await planTopics({ transport, contracts, topicPrefix: 'test.', partitions: 3, replicationFactor: 1 }),
    ).toEqual([
      { topic: 'test.depot.command', partitions: 3, replicationFactor: 1, state: 'create' },
      { topic: 'test.order', partitions: 3, replicationFactor: 1, state: 'ok', existing: 3 },
      { topic: 'test.stock.command', partitions: 3, replicationFactor: 1, state: 'differs', existing: 12 },
    ])
  })

  test('is carried out for the missing ones alone, and then finds nothing to do', async () => {
    const transport = inMemoryTransport({ topics: { 'outbox.event.order': 12 } })
    expect((await applyTopics({ transport, contracts })).map(({ state }) => state)).toEqual([
      'create',
      'differs',
      'create',
    ])
    expect((await planTopics({ transport, contracts })).map(({ existing }) => existing)).toEqual([6, 12, 6])
    expect((await applyTopics({ transport, contracts })).map(({ state }) => state)).toEqual([
      'ok',
      'differs',
      'ok',
    ])
  })
})
