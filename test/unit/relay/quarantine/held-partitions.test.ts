import { afterEach, describe, expect, test } from 'vitest'
import { relayOver } from '../../../../src/relay/relay.ts'
import { textAt } from '../../../../src/relay/source/outbox-tuple.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import type { OutgoingRecord, PublishResult } from '../../../../src/transport/publisher.ts'
import { FakeDatabase } from '../fake-database.ts'
import { rowOf } from '../rows.ts'
import { ScriptedTransport } from '../scripted-transport.ts'
import { until } from '../until.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const topic = 'outbox.event.order'
const keys = Array.from({ length: 12 }, (_, n) => `k-${n}`)
const placeOfKey = (key: string): number => partitionOf(key, 4)

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function setUp() {
  const database = new FakeDatabase()
  const transport = new ScriptedTransport()
  /** Partitions that nobody gets an answer from. */
  const sick = new Set<number>()
  const refused = new Set<string>()
  const answer = (records: readonly OutgoingRecord[]): PublishResult => {
    if (records.some(({ partition }) => sick.has(partition)))
      return { kind: 'failed', failure: { kind: 'unknown', reason: 'no leader' } }
    if (records.some(({ value }) => refused.has(String(value))))
      return { kind: 'failed', failure: { kind: 'record', reason: 'too large' } }
    return { kind: 'acknowledged' }
  }
  transport.answer = answer
  let last = 0
  const insert = (...of: readonly string[]): void => {
    for (const key of of) {
      const seq = String(++last)
      database.insert(rowOf({ seq, aggregateid: key, payload: seq }))
    }
  }
  const start = async () => {
    const relay = relayOver({ databases: [database], transport, pace: { idleMs: 2 }, pageRows: 50 })
    stops.push(() => relay.stop())
    await relay.start()
    return relay
  }
  const ofKey = (key: string): string[] =>
    database.rows
      .map(({ row }) => row)
      .filter((row) => textAt(row, 'aggregateid') === key)
      .map((row) => textAt(row, 'seq'))
  /** First deliveries of a key, in order. */
  const delivered = (key: string): string[] => {
    const mine = new Set(ofKey(key))
    return [...new Set(transport.bodies.filter((body) => mine.has(body)))]
  }
  return { database, transport, sick, refused, answer, insert, start, ofKey, delivered, rows: () => last }
}

const [sickKey = '', healthyKey = ''] = [
  keys.find((key) => placeOfKey(key) === 1),
  keys.find((key) => placeOfKey(key) !== 1),
]

describe('a held partition (rule B12)', () => {
  test('holds its own rows only, and says so; they follow by themselves, in order, and it flows again', async () => {
    const { database, transport, sick, insert, start, ofKey, delivered } = await setUp()
    const relay = await start()
    sick.add(1)
    insert(...keys)
    await until('it is held', () => relay.status()[0]?.heldPartitions.length === 1)
    expect(relay.status()[0]?.heldPartitions).toEqual([`${topic}/1`])
    expect(relay.health()).toMatchObject({ state: 'failing' })
    expect(relay.health().reason).toContain(`partition 1 of ${topic} cannot be written to (no leader)`)
    for (let round = 0; round < 3; round++) {
      insert(...keys, ...keys)
      await until('the others flow', () =>
        keys
          .filter((key) => placeOfKey(key) !== 1)
          .every((key) => delivered(key).length === ofKey(key).length),
      )
    }
    expect(delivered(sickKey)).toEqual([])
    await until(
      'its rows wait in the quarantine',
      () => database.quarantine.size === keys.filter((key) => placeOfKey(key) === 1).length * 7,
    )
    const sent = transport.batches.filter((batch) => batch.some(({ partition }) => partition !== 1)).flat()
    sick.delete(1)
    await until('it flows again', () => relay.status()[0]?.heldPartitions.length === 0)
    expect(database.quarantine.size).toBe(0)
    insert(...keys)
    await until('all is delivered', () => keys.every((key) => delivered(key).length === ofKey(key).length))
    for (const key of keys) expect(delivered(key)).toEqual(ofKey(key))
    expect(relay.health()).toEqual({ state: 'running' })
    // what the others acknowledged was sent once, but for the first request, which nobody answered
    const first = transport.batches[0]?.length ?? 0
    expect(sent.length).toBeLessThanOrEqual(7 * keys.length + first)
  })

  test('is still held for the next owner, and while rows pour in it gets done', async () => {
    const { database, transport, sick, insert, start, ofKey, delivered } = await setUp()
    const first = await start()
    sick.add(1)
    insert(...keys)
    await until('it is held', () => first.status()[0]?.heldPartitions.length === 1)
    await first.stop()
    for (let n = 0; n < 40; n++) insert(...keys)
    const relay = await start()
    await until('the others flow', () => delivered(healthyKey).length === ofKey(healthyKey).length)
    expect(delivered(sickKey)).toEqual([])
    expect(relay.status()[0]?.heldPartitions).toEqual([`${topic}/1`])
    sick.delete(1)
    const writing = setInterval(() => insert(...keys), 1)
    await until('it flows again amid new rows', () => relay.status()[0]?.heldPartitions.length === 0)
    clearInterval(writing)
    await until('all is delivered', () => keys.every((key) => delivered(key).length === ofKey(key).length))
    for (const key of keys) expect(delivered(key)).toEqual(ofKey(key))
    expect(database.quarantine.size).toBe(0)
    expect(transport.bodies.length).toBeGreaterThan(0)
  })

  test('with a record that Kafka refuses parks that key alone when it is let out', async () => {
    const { database, sick, refused, insert, start, ofKey, delivered } = await setUp()
    const relay = await start()
    const [poisoned = '', other = ''] = keys.filter((key) => placeOfKey(key) === 1)
    sick.add(1)
    insert(poisoned, other, poisoned, other)
    refused.add('3')
    await until('it is held', () => database.quarantine.size === 4)
    sick.delete(1)
    await until('the key is parked', () => relay.status()[0]?.parkedKeys === 1)
    insert(poisoned, other)
    await until('the partition flows', () => relay.status()[0]?.heldPartitions.length === 0)
    await until('the other key flows', () => delivered(other).length === 3)
    expect(delivered(poisoned)).toEqual(['1'])
    await until('the rest of the key waits', () => database.quarantine.size === 2)
    expect([...database.quarantine.values()].map(({ seq, code }) => [seq, code])).toEqual([
      ['3', 'OUTBOX_RECORD_REFUSED'],
      ['5', 'OUTBOX_KEY_PARKED'],
    ])
    expect(ofKey(poisoned)).toHaveLength(3)
  })

  test('is let out to its end before the lease is given back', async () => {
    const { database, transport, answer } = await setUp()
    database.quarantine.set('1', {
      seq: '1',
      topic,
      code: 'OUTBOX_PARTITION_HELD',
      reason: 'no leader',
      partition: placeOfKey('k-0'),
      row: rowOf({ seq: '1', aggregateid: 'k-0', payload: '1' }),
    })
    const underWay = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    transport.answer = async (records) => {
      underWay.resolve()
      await goOn.promise
      return answer(records)
    }
    const releasing = Promise.withResolvers<void>()
    const testSignals = {
      reach: (point: string) => {
        if (point === 'relay.release.before') releasing.resolve()
        return Promise.resolve()
      },
    }
    const relay = relayOver({ databases: [database], transport, testSignals, pace: { idleMs: 2 } })
    stops.push(() => relay.stop())
    await relay.start()
    await underWay.promise
    const stopped = relay.stop()
    await releasing.promise
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(database.checkpoint?.owner).toBeDefined()
    goOn.resolve()
    await stopped
    expect(database.checkpoint?.owner).toBeUndefined()
    expect([...database.quarantine.keys()]).toEqual([])
  })

  test(`of several that come and go nothing is lost or turned round (seed ${seed})`, async () => {
    const { transport, sick, insert, start, ofKey, delivered } = await setUp()
    let state = seed
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
      return (state >> 8) % below
    }
    let relay = await start()
    for (let step = 0; step < 60; step++) {
      const partition = random(4)
      if (sick.has(partition)) sick.delete(partition)
      else if (sick.size < 3) sick.add(partition)
      for (let n = random(30); n > 0; n--) insert(keys[random(keys.length)] ?? '')
      if (random(12) === 0) {
        await relay.stop()
        relay = await start()
      }
      await new Promise((resolve) => setTimeout(resolve, random(25)))
    }
    sick.clear()
    await until('all is delivered', () => keys.every((key) => delivered(key).length === ofKey(key).length))
    for (const key of keys) expect(delivered(key)).toEqual(ofKey(key))
    await until('nothing is held', () => relay.status()[0]?.heldPartitions.length === 0)
    expect(transport.bodies.length).toBeGreaterThan(0)
  })
})
