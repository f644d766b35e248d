import { afterEach, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../../../src/kernel/error-catalogue.ts'
import { relayOver } from '../../../../src/relay/relay.ts'
import { textAt } from '../../../../src/relay/source/outbox-tuple.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import type { OutgoingRecord } from '../../../../src/transport/publisher.ts'
import { FakeDatabase } from '../fake-database.ts'
import { rowOf } from '../rows.ts'
import { ScriptedTransport } from '../scripted-transport.ts'
import { until } from '../until.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function setUp() {
  const database = new FakeDatabase()
  const transport = new ScriptedTransport()
  const refuses = new Set<string>()
  const isRefused = ({ value }: OutgoingRecord) => refuses.has(String(value))
  transport.answer = (records) =>
    records.some(isRefused)
      ? { kind: 'failed', failure: { kind: 'record', reason: 'too large' } }
      : { kind: 'acknowledged' }
  const start = async () => {
    const relay = relayOver({ databases: [database], transport, pace: { idleMs: 2 }, pageRows: 50 })
    stops.push(() => relay.stop())
    await relay.start()
    return relay
  }
  const insert = (seq: number, key: string, aggregatetype = 'order') =>
    database.insert(rowOf({ seq: String(seq), aggregateid: key, payload: String(seq), aggregatetype }))
  const seqs = () => [...database.quarantine.keys()].map(Number).toSorted((a, b) => a - b)
  const intend = (seq: number, intent: 'retry' | 'skip') => {
    const entry = database.quarantine.get(String(seq))
    if (!entry) throw new Error(`row ${seq} is not parked`)
    entry.intent = intent
  }
  /** A row that was parked before the relay of the test. */
  const park = (seq: number, key: string, code: ErrorCode, partition?: number) =>
    database.quarantine.set(String(seq), {
      seq: String(seq),
      topic: 'outbox.event.order',
      code,
      reason: 'as it was found',
      ...(partition !== undefined && { partition }),
      row: rowOf({ seq: String(seq), aggregateid: key, payload: String(seq) }),
    })
  return { database, transport, refuses, start, insert, seqs, intend, park }
}

describe('a parked key', () => {
  test('is published from its first row on when an operator says retry, and flows again (rule B15)', async () => {
    const { transport, refuses, start, insert, seqs, intend } = await setUp()
    const relay = await start()
    refuses.add('2')
    for (const [seq, key] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, 'a'],
      [5, 'a'],
    ] as const)
      insert(seq, key)
    await until('the key is parked', () => seqs().length === 3)
    expect(transport.bodies).toEqual(['1', '3'])
    expect(relay.status()[0]).toMatchObject({ parkedKeys: 1 })
    refuses.delete('2')
    intend(4, 'retry')
    await until('it is drained', () => seqs().length === 0)
    insert(6, 'a')
    await until('it flows', () => transport.bodies.includes('6'))
    expect(transport.bodies).toEqual(['1', '3', '2', '4', '5', '6'])
    expect(relay.status()[0]).toMatchObject({ parkedKeys: 0 })
  })

  test('stops at the first row that is refused again, which then waits for the next word', async () => {
    const { database, transport, refuses, start, insert, seqs, intend } = await setUp()
    await start()
    refuses.add('1').add('3')
    for (const seq of [1, 2, 3, 4]) insert(seq, 'a')
    await until('the key is parked', () => seqs().length === 4)
    refuses.delete('1')
    intend(1, 'retry')
    await until('it stops at the third', () => seqs().length === 2)
    await until('it is refused', () => database.quarantine.get('3')?.code === 'OUTBOX_RECORD_REFUSED')
    expect(transport.bodies).toEqual(['1', '2'])
    expect(database.quarantine.get('4')).toMatchObject({ code: 'OUTBOX_KEY_PARKED' })
    expect([...database.quarantine.values()].map(({ intent }) => intent)).toEqual([undefined, undefined])
    intend(3, 'skip')
    await until('the rest follows by itself', () => seqs().length === 0)
    expect(transport.bodies).toEqual(['1', '2', '4'])
  })

  test('stays parked when a row in its middle is skipped', async () => {
    const { transport, refuses, start, insert, seqs, intend } = await setUp()
    await start()
    refuses.add('1')
    for (const seq of [1, 2, 3]) insert(seq, 'a')
    await until('the key is parked', () => seqs().length === 3)
    intend(2, 'skip')
    await until('it is dropped', () => seqs().length === 2)
    expect(seqs()).toEqual([1, 3])
    expect(transport.bodies).toEqual([])
  })

  test('is still parked for the next owner, and goes on by itself where no refused row is left', async () => {
    const { database, transport, refuses, start, insert, seqs } = await setUp()
    const relay = await start()
    refuses.add('1').add('11')
    for (const seq of [1, 2]) insert(seq, 'a')
    for (const seq of [11, 12]) insert(seq, 'b')
    await until('both keys are parked', () => seqs().length === 4)
    await relay.stop()
    database.quarantine.delete('11')
    insert(21, 'a')
    await start()
    await until('the key without a refused row goes on', () => transport.bodies.includes('12'))
    await until('the later row of the other one is parked', () => seqs().includes(21))
    expect(seqs()).toEqual([1, 2, 21])
  })

  test('whose partition has trouble puts off the other keys there too', async () => {
    const { transport, start, insert, seqs, park } = await setUp()
    const keys = Array.from({ length: 60 }, (_, n) => `k-${n}`)
    const there = keys.filter((key) => partitionOf(key, 4) === 1).slice(0, 4)
    const elsewhere = keys.find((key) => partitionOf(key, 4) !== 1) ?? ''
    let isSick = true
    transport.answer = (records) =>
      isSick && records.some(({ partition }) => partition === 1)
        ? { kind: 'failed', failure: { kind: 'unknown', reason: 'no leader' } }
        : { kind: 'acknowledged' }
    for (const [n, key] of [...there, elsewhere].entries()) park(n + 1, key, 'OUTBOX_KEY_PARKED')
    await start()
    await until('the key elsewhere is published', () => seqs().length === 4)
    insert(10, elsewhere)
    await until('it flows', () => transport.bodies.includes('10'))
    expect(transport.batches.filter((batch) => batch.some(({ partition }) => partition === 1))).toHaveLength(
      1,
    )
    expect(transport.deadlinesMs[0]).toBeLessThanOrEqual(Math.max(...transport.deadlinesMs) / 2)
    isSick = false
    await until('the others follow', () => seqs().length === 0)
  })

  test('is drained page by page, and other keys do not wait for it', async () => {
    const { transport, refuses, start, insert, seqs, intend } = await setUp()
    await start()
    refuses.add('1')
    for (let seq = 1; seq <= 180; seq++) insert(seq, 'a')
    await until('the key is parked', () => seqs().length === 180)
    refuses.delete('1')
    intend(1, 'retry')
    await until('it is under way', () => seqs().length < 180)
    insert(500, 'b')
    await until('all is published', () => transport.bodies.length === 181)
    expect(transport.bodies.filter((body) => body !== '500').map(Number)).toEqual(
      Array.from({ length: 180 }, (_, n) => n + 1),
    )
    expect(transport.bodies.indexOf('500')).toBeLessThan(170)
  })
})

describe('a refused row that is not the first one of its key', () => {
  test('sets the key going when it is skipped', async () => {
    const { transport, start, insert, seqs, intend, park } = await setUp()
    park(5, 'a', 'OUTBOX_KEY_PARKED')
    park(9, 'a', 'OUTBOX_RECORD_REFUSED')
    const relay = await start()
    intend(9, 'skip')
    await until('it is dropped, and the other one published', () => seqs().length === 0)
    insert(10, 'a')
    await until('it flows', () => transport.bodies.includes('10'))
    expect(transport.bodies).toEqual(['5', '10'])
    expect(relay.status()[0]).toMatchObject({ parkedKeys: 0 })
  })

  test('leaves its key parked when another one was refused too', async () => {
    const { transport, start, insert, seqs, intend, park } = await setUp()
    park(5, 'a', 'OUTBOX_KEY_PARKED')
    park(8, 'a', 'OUTBOX_RECORD_REFUSED')
    park(9, 'a', 'OUTBOX_RECORD_REFUSED')
    await start()
    intend(9, 'skip')
    await until('it is dropped', () => seqs().length === 2)
    insert(10, 'a')
    await until('the next one waits too', () => seqs().length === 3)
    expect(transport.bodies).toEqual([])
  })
})

describe('a parked topic', () => {
  test('lets no row of a parked key past the refused one (rule B15)', async () => {
    const { database, transport, start, insert, seqs, intend, park } = await setUp()
    park(1, 'a', 'OUTBOX_RECORD_REFUSED')
    park(5, 'a', 'OUTBOX_TOPIC_UNKNOWN')
    park(6, 'b', 'OUTBOX_TOPIC_UNKNOWN')
    const relay = await start()
    await until('the topic flows', () => relay.status()[0]?.parkedTopics.length === 0)
    expect(transport.bodies).toEqual(['6'])
    expect(database.quarantine.get('5')?.code).toBe('OUTBOX_KEY_PARKED')
    intend(1, 'retry')
    await until('the key is drained', () => seqs().length === 0)
    insert(7, 'a')
    await until('it flows', () => transport.bodies.includes('7'))
    expect(transport.bodies).toEqual(['6', '1', '5', '7'])
  })

  test('lets no row of a held partition past those that wait for it (rule B12)', async () => {
    const { transport, start, insert, seqs, park } = await setUp()
    const partition = partitionOf('a', 4)
    let isSick = true
    // whatever goes there without the first row would get through
    transport.answer = (records) =>
      isSick && records.some(({ value }) => String(value) === '1')
        ? { kind: 'failed', failure: { kind: 'unknown', reason: 'no leader' } }
        : { kind: 'acknowledged' }
    park(1, 'a', 'OUTBOX_PARTITION_HELD', partition)
    park(2, 'a', 'OUTBOX_TOPIC_UNKNOWN')
    const relay = await start()
    await until('the topic flows', () => relay.status()[0]?.parkedTopics.length === 0)
    insert(3, 'a')
    await until('all wait for the partition', () => seqs().length === 3)
    isSick = false
    await until('all are published', () => seqs().length === 0)
    expect(transport.bodies).toEqual(['1', '2', '3'])
    await until('the partition flows', () => relay.status()[0]?.heldPartitions.length === 0)
  })

  test('waits for no partition that cannot be written to: that one is held, and the others flow', async () => {
    const { database, transport, start, insert, seqs, park } = await setUp()
    const keys = Array.from({ length: 12 }, (_, n) => `k-${n}`)
    const isThere = (key: string) => partitionOf(key, 4) === 1
    expect(keys.filter(isThere).length).toBeGreaterThan(1)
    let isSick = true
    transport.answer = (records) =>
      isSick && records.some(({ partition }) => partition === 1)
        ? { kind: 'failed', failure: { kind: 'unknown', reason: 'no leader' } }
        : { kind: 'acknowledged' }
    // three pages, so that later ones find the partition held
    for (let seq = 1; seq <= 120; seq++) park(seq, keys[seq % 12] ?? '', 'OUTBOX_TOPIC_UNKNOWN')
    const relay = await start()
    await until('the topic flows', () => relay.status()[0]?.parkedTopics.length === 0)
    expect(relay.status()[0]?.heldPartitions).toEqual(['outbox.event.order/1'])
    const waiting = Array.from({ length: 120 }, (_, n) => n + 1).filter((seq) =>
      isThere(keys[seq % 12] ?? ''),
    )
    expect(seqs()).toEqual(waiting)
    expect([...database.quarantine.values()].map(({ code, partition }) => [code, partition])).toEqual(
      waiting.map(() => ['OUTBOX_PARTITION_HELD', 1]),
    )
    expect(transport.bodies).toHaveLength(120 - waiting.length)
    insert(200, keys.find((key) => !isThere(key)) ?? '')
    insert(201, keys.find(isThere) ?? '')
    await until('the others flow', () => transport.bodies.includes('200'))
    isSick = false
    await until('all are published', () => seqs().length === 0)
    expect(transport.bodies.map(Number).filter((seq) => waiting.includes(seq) || seq === 201)).toEqual([
      ...waiting,
      201,
    ])
    expect(new Set(transport.bodies).size).toBe(122)
  }, 15_000)

  test('is released only once all partitions had their turn, however slow they are', async () => {
    const { transport, start, seqs, park } = await setUp()
    transport.answer = async (_, number) => {
      if (number === 1) return { kind: 'failed', failure: { kind: 'unknown', reason: 'no answer' } }
      await new Promise((resolve) => setTimeout(resolve, 550))
      return { kind: 'acknowledged' }
    }
    for (let seq = 1; seq <= 12; seq++) park(seq, `k-${seq}`, 'OUTBOX_TOPIC_UNKNOWN')
    const relay = await start()
    await until('it is drained', () => transport.bodies.length > 0)
    await until('the topic flows', () => relay.status()[0]?.parkedTopics.length === 0)
    expect(seqs()).toEqual([])
    expect(transport.bodies).toHaveLength(12)
  }, 15_000)

  test('loses nothing and gets out by itself after nothing at all got through', async () => {
    const { transport, start, seqs, park } = await setUp()
    let isDown = true
    transport.answer = () =>
      isDown
        ? { kind: 'failed', failure: { kind: 'unknown', reason: 'no answer' } }
        : { kind: 'acknowledged' }
    for (let seq = 1; seq <= 10; seq++) park(seq, `k-${seq}`, 'OUTBOX_TOPIC_UNKNOWN')
    await start()
    await until('it was tried', () => transport.batches.length > 1)
    isDown = false
    await until('all are published', () => seqs().length === 0)
    expect(transport.bodies.map(Number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, n) => n + 1),
    )
  }, 15_000)

  test('is drained by itself once it can be written to', async () => {
    const { transport, start, insert, seqs } = await setUp()
    const relay = await start()
    insert(1, 'a', 'late')
    insert(2, 'b')
    insert(3, 'a', 'late')
    await until('its rows are parked', () => seqs().length === 2)
    expect(relay.status()[0]).toMatchObject({ parkedTopics: ['outbox.event.late'] })
    transport.topics.set('outbox.event.late', 3)
    await until('it is drained', () => seqs().length === 0)
    insert(4, 'a', 'late')
    await until('it flows', () => transport.bodies.includes('4'))
    expect(transport.bodies).toEqual(['2', '1', '3', '4'])
    expect(relay.status()[0]).toMatchObject({ parkedTopics: [] })
  }, 10_000)

  test('does not hold up a row that is to be skipped, and parks a key whose record is refused', async () => {
    const { database, transport, refuses, start, insert, seqs, intend } = await setUp()
    await start()
    for (const [seq, key] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, 'a'],
    ] as const)
      insert(seq, key, 'late')
    await until('its rows are parked', () => seqs().length === 4)
    intend(1, 'skip')
    await until('it is dropped', () => seqs().length === 3)
    refuses.add('2')
    transport.topics.set('outbox.event.late', 3)
    await until('the other key is published', () => transport.bodies.includes('3'))
    await until(
      'the refused key is parked',
      () => database.quarantine.get('2')?.code === 'OUTBOX_RECORD_REFUSED',
    )
    expect(seqs()).toEqual([2, 4])
    expect(database.quarantine.get('4')?.code).toBe('OUTBOX_KEY_PARKED')
    expect(textAt(database.quarantine.get('4')?.row ?? [], 'seq')).toBe('4')
  }, 10_000)
})
