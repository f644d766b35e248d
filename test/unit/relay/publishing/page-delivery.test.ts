import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { noTestSignals } from '../../../../src/kernel/test-signals.ts'
import { PageDelivery } from '../../../../src/relay/publishing/page-delivery.ts'
import { PublisherLanes } from '../../../../src/relay/publishing/publisher-lanes.ts'
import { TenureEnded } from '../../../../src/relay/publishing/tenure-ended.ts'
import { TopicDirectory } from '../../../../src/relay/publishing/topic-directory.ts'
import { Parked } from '../../../../src/relay/quarantine/parked.ts'
import { type OutboxTuple, textAt } from '../../../../src/relay/source/outbox-tuple.ts'
import type { OutgoingRecord, PublishFailure } from '../../../../src/transport/publisher.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import { rowOf, rowsOf } from '../rows.ts'
import { ScriptedTransport } from '../scripted-transport.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const keyOfPartition = (row: OutboxTuple, partition: number): boolean =>
  partitionOf(textAt(row, 'aggregateid'), 4) === partition
const failed = (kind: PublishFailure['kind']) =>
  ({ kind: 'failed', failure: { kind, reason: `it is ${kind}` } }) as const

function setUp(lanesCount = 2, holds = false) {
  const transport = new ScriptedTransport()
  const end = new AbortController()
  const lanes = new PublisherLanes({
    transport,
    clock: { ...systemClock, pause: () => new Promise(setImmediate) },
    logger: silentLogger,
    count: lanesCount,
  })
  const parked = new Parked()
  const topics = new TopicDirectory({
    lanes,
    session: { readTopicPins: async () => [], pinTopic: async (_, partitions) => partitions },
    prefix: 'outbox.event.',
    scope: { signal: end.signal },
    logger: silentLogger,
  })
  const delivery = new PageDelivery({
    lanes,
    topics,
    parked,
    held: {
      hold: (topic, partition, reason) => {
        if (holds) parked.holdPartition(topic, partition, reason)
        return holds
      },
      count: () => undefined,
    },
    scope: { signal: end.signal, deadlineMs: () => 1_000 },
    signals: noTestSignals,
    logger: silentLogger,
  })
  return { transport, end, parked, topics, delivery }
}

describe('a page', () => {
  test('goes out over all lanes when it is large, in one request when it is small and alone', async () => {
    const { transport, delivery } = setUp()
    await delivery.deliver(rowsOf(200, 50), false)
    expect(transport.publishers).toHaveLength(2)
    transport.batches.length = 0
    await delivery.deliver(rowsOf(48, 48), true)
    expect(transport.batches).toHaveLength(1)
    await delivery.deliver(rowsOf(48, 48), false)
    expect(transport.batches).toHaveLength(3)
    await delivery.deliver([], true)
    expect(transport.batches).toHaveLength(3)
    expect(delivery.published).toBe(296)
  })

  test('parks the key of a record that Kafka refuses, and that key alone', async () => {
    const { transport, parked, delivery } = setUp()
    transport.answer = (records) =>
      records.some(({ value }) => value === '5') ? failed('record') : { kind: 'acknowledged' }
    const rows = rowsOf(30, 4)
    const first = await delivery.deliver(rows.slice(0, 20), false)
    const second = await delivery.deliver(rows.slice(20), false)
    expect(first).toEqual([
      { seq: '5', topic: 'outbox.event.order', code: 'OUTBOX_RECORD_REFUSED', reason: 'it is record' },
      ...[9, 13, 17].map((seq) => ({
        seq: String(seq),
        topic: 'outbox.event.order',
        code: 'OUTBOX_KEY_PARKED',
        reason: 'an earlier row of its key is parked',
      })),
    ])
    expect(second.map(({ seq }) => seq)).toEqual(['21', '25', '29'])
    expect(parked.keyCount).toBe(1)
    expect(parked.holdsKey('outbox.event.order', 'k-0')).toBe(true)
    const rest = rows.map((row) => textAt(row, 'seq')).filter((seq) => Number(seq) % 4 !== 1 || seq === '1')
    expect(transport.bodies.toSorted()).toEqual(rest.toSorted())
  })

  test('parks the rows of a topic that does not exist, or that Kafka allows nobody; other topics flow', async () => {
    const { transport, parked, delivery } = setUp()
    const parkedRows = await delivery.deliver(
      [
        rowOf({ seq: '1', aggregatetype: 'missing' }),
        rowOf({ seq: '2', payload: 'flows' }),
        rowOf({ seq: '3', aggregatetype: 'no/topic' }),
        rowOf({ seq: '4', aggregatetype: 'missing' }),
      ],
      true,
    )
    expect(parkedRows).toEqual([
      {
        seq: '1',
        topic: 'outbox.event.missing',
        code: 'OUTBOX_TOPIC_UNKNOWN',
        reason: 'the topic "outbox.event.missing" does not exist',
      },
      {
        seq: '3',
        topic: 'outbox.event.no/topic',
        code: 'OUTBOX_TOPIC_UNKNOWN',
        reason: '"outbox.event.no/topic" is no name that Kafka allows',
      },
      {
        seq: '4',
        topic: 'outbox.event.missing',
        code: 'OUTBOX_TOPIC_UNKNOWN',
        reason: 'the topic "outbox.event.missing" does not exist',
      },
    ])
    expect(parked.topics).toEqual(['outbox.event.missing', 'outbox.event.no/topic'])
    expect(transport.bodies).toEqual(['flows'])
  })

  test('parks a topic that vanishes or refuses us in the middle', async () => {
    const { transport, parked, delivery } = setUp()
    transport.topics.set('outbox.event.other', 4)
    await delivery.deliver([rowOf({ aggregatetype: 'other' })], true)
    transport.answer = (records) =>
      records.some(({ topic }) => topic === 'outbox.event.other') ? failed('topic') : { kind: 'acknowledged' }
    const rows = [rowOf({ seq: '2', aggregatetype: 'other' }), rowOf({ seq: '3', payload: 'flows' })]
    expect(await delivery.deliver(rows, true)).toEqual([
      { seq: '2', topic: 'outbox.event.other', code: 'OUTBOX_TOPIC_UNKNOWN', reason: 'it is topic' },
    ])
    expect(transport.bodies.at(-1)).toBe('flows')
    expect(parked.topics).toEqual(['outbox.event.other'])
    transport.topics.delete('outbox.event.order')
    transport.answer = () => failed('topic')
    expect(await delivery.deliver([rowOf({ seq: '4' })], true)).toMatchObject([
      { seq: '4', reason: 'the topic "outbox.event.order" does not exist' },
    ])
  })

  test('waits when the topic has fewer partitions than pinned, and goes on with those pinned when it has more (rule C21)', async () => {
    const { transport, parked, delivery, topics } = setUp()
    await delivery.deliver([rowOf()], true)
    transport.topics.set('outbox.event.order', 8)
    transport.answer = (_, number) => (number === 2 ? failed('topic') : { kind: 'acknowledged' })
    expect(await delivery.deliver([rowOf({ seq: '2' })], true)).toEqual([])
    expect(transport.batches.flat().map(({ partition }) => partition)).toEqual(
      Array(3).fill(partitionOf('o-1', 4)),
    )
    expect(topics.changes).toEqual([expect.stringContaining('has 8 partitions and is written to with 4')])
    transport.topics.set('outbox.event.order', 2)
    transport.answer = () => failed('topic')
    expect(await delivery.deliver([rowOf({ seq: '3' })], true)).toMatchObject([
      { seq: '3', code: 'OUTBOX_TOPIC_UNKNOWN', reason: expect.stringContaining('topics adopt') },
    ])
    expect(parked.topics).toEqual(['outbox.event.order'])
  })

  test('believes that a topic which is there refuses us only of a second publisher: a deleted topic can confuse a client about others', async () => {
    const { transport, parked, delivery } = setUp()
    await delivery.deliver([rowOf()], true)
    transport.answer = (_, number) => (number === 2 ? failed('topic') : { kind: 'acknowledged' })
    expect(await delivery.deliver([rowOf({ seq: '2' })], true)).toEqual([])
    expect(parked.topics).toEqual([])
  })

  test('that waits for Kafka to name its partitions is not overtaken by the next one', async () => {
    const { transport, delivery } = setUp()
    await delivery.deliver([rowOf({ payload: '1' })], false)
    transport.topics.set('outbox.event.new', 1)
    const counting = Promise.withResolvers<void>()
    transport.counting = counting.promise
    const rows = [rowOf({ aggregatetype: 'new', payload: 'new' }), rowOf({ payload: '2' })]
    const pages = [delivery.deliver(rows, false), delivery.deliver([rowOf({ payload: '3' })], false)]
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    counting.resolve()
    await Promise.all(pages)
    expect(transport.bodies.filter((body) => body !== 'new')).toEqual(['1', '2', '3'])
  })

  test('is given up when the tenure ends', async () => {
    const { transport, end, delivery } = setUp()
    transport.answer = () => {
      end.abort()
      return failed('unknown')
    }
    await expect(delivery.deliver(rowsOf(3), true)).rejects.toThrow(TenureEnded)
    await expect(delivery.deliver([rowOf({ aggregatetype: 'new' })], true)).rejects.toThrow(TenureEnded)
    await delivery.settled()
    expect(transport.batches).toHaveLength(1)
  })

  test('after a failure sends only what was not acknowledged', async () => {
    const { transport, delivery } = setUp(1)
    transport.answer = (records, number) =>
      number === 1
        ? {
            kind: 'partial',
            failures: new Map(
              records.flatMap(({ partition }, n) =>
                partition === 2 ? [[n, { kind: 'unknown', reason: 'no leader' }]] : [],
              ),
            ),
          }
        : { kind: 'acknowledged' }
    await delivery.deliver(rowsOf(40, 20), true)
    expect(transport.batches[1]?.every(({ partition }) => partition === 2)).toBe(true)
    expect(transport.bodies.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      rowsOf(40).map((row) => textAt(row, 'seq')),
    )
  })
})

describe('a partition that cannot be written to', () => {
  const place = 'outbox.event.order'
  /** Whoever sends to partition 1 gets no answer. */
  const sick = (records: readonly OutgoingRecord[]) =>
    records.some(({ partition }) => partition === 1) ? failed('unknown') : ({ kind: 'acknowledged' } as const)

  test('is found by itself and held: the others are acknowledged once, and its rows are to be parked (rule B12)', async () => {
    const { transport, parked, delivery } = setUp(1, true)
    transport.answer = sick
    const rows = rowsOf(80, 40)
    const held = await delivery.deliver(rows, false)
    expect(parked.partitions).toEqual([`${place}/1`])
    expect(held.length).toBeGreaterThan(0)
    expect(held.every(({ code, partition }) => code === 'OUTBOX_PARTITION_HELD' && partition === 1)).toBe(
      true,
    )
    const seqs = held.map(({ seq }) => Number(seq))
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    expect([...transport.bodies.map(Number), ...seqs].toSorted((a, b) => a - b)).toEqual(
      rows.map((row) => Number(textAt(row, 'seq'))),
    )
    // the first request, each other partition once, and the one at fault twice
    expect(transport.batches).toHaveLength(1 + 3 + 2)
    transport.batches.length = 0
    const next = await delivery.deliver(rowsOf(80, 40, 81), false)
    expect(next).toHaveLength(held.length)
    expect(transport.batches).toHaveLength(1)
  })

  test('is held though nothing else is there to prove it, once Kafka answers otherwise', async () => {
    const { transport, parked, delivery } = setUp(1, true)
    transport.answer = sick
    const rows = rowsOf(80, 40).filter((row) => transport.topics.get(place) === 4 && keyOfPartition(row, 1))
    expect(await delivery.deliver(rows, true)).toHaveLength(rows.length)
    expect(parked.partitions).toEqual([`${place}/1`])
  })

  test('is not held while Kafka cannot be reached at all: there is nobody to make way for', async () => {
    const { transport, parked, delivery } = setUp(1, true)
    await delivery.deliver([rowOf()], true)
    transport.unreachable = new BackstitchError('KAFKA_UNREACHABLE', 'nobody there')
    transport.answer = () => failed('unknown')
    const delivering = delivery.deliver(rowsOf(40, 20), false)
    for (let turn = 0; turn < 500; turn++) await new Promise(setImmediate)
    expect(parked.partitions).toEqual([])
    transport.unreachable = undefined
    transport.answer = () => ({ kind: 'acknowledged' })
    expect(await delivering).toEqual([])
    expect(transport.bodies).toHaveLength(41)
  })

  test('that only stumbles is not held', async () => {
    const { transport, parked, delivery } = setUp(1, true)
    transport.answer = (records, number) => (number <= 2 ? sick(records) : { kind: 'acknowledged' })
    expect(await delivery.deliver(rowsOf(80, 40), false)).toEqual([])
    expect(parked.partitions).toEqual([])
  })
})

test(`several pages at once keep the order of each key under any failures (seed ${seed})`, async () => {
  const outcomes = fc.array(
    fc.tuple(fc.constantFrom('ok', 'ok', 'ok', 'unknown', 'written', 'retriable', 'partial'), fc.nat(3)),
    { maxLength: 60, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(outcomes, fc.integer({ min: 1, max: 3 }), async (script, lanesCount) => {
      const { transport, delivery } = setUp(lanesCount)
      /** What reached the topic, also unacknowledged. */
      const topic: OutgoingRecord[] = []
      transport.answer = async (records, number) => {
        const [outcome, turns] = script[number - 1] ?? ['ok', 0]
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        if (outcome === 'unknown' || outcome === 'retriable') return failed(outcome)
        if (outcome === 'partial') {
          // a partition is written as a whole or not at all
          const lost = records.map(({ partition }) => partition === 1)
          topic.push(...records.filter((_, n) => !lost[n]))
          return {
            kind: 'partial',
            failures: new Map(
              lost.flatMap((is, n) => (is ? [[n, { kind: 'unknown', reason: 'lost' }] as const] : [])),
            ),
          }
        }
        topic.push(...records)
        return outcome === 'written' ? failed('unknown') : { kind: 'acknowledged' }
      }
      const rows = rowsOf(120, 9)
      await Promise.all([0, 40, 80].map((from) => delivery.deliver(rows.slice(from, from + 40), false)))
      for (let key = 0; key < 9; key++) {
        const values = topic.filter((record) => record.key === `k-${key}`).map(({ value }) => Number(value))
        const firsts = [...new Set(values)]
        expect(firsts).toEqual(firsts.toSorted((a, b) => a - b))
        expect(firsts).toHaveLength(rows.filter((row) => textAt(row, 'aggregateid') === `k-${key}`).length)
      }
    }),
    { seed, numRuns: 60 },
  )
})
