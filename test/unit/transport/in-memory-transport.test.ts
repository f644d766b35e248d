import { describe, expect, test } from 'vitest'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import type { OutgoingRecord } from '../../../src/transport/publisher.ts'

const record = (topic: string, value: string, partition = 0): OutgoingRecord => ({
  topic,
  partition,
  key: null,
  value,
  headers: [],
})
const options = { deadlineMs: 1_000 }

describe('the in-memory transport', () => {
  test('shows all records of a topic in the order in which they came', async () => {
    const transport = inMemoryTransport({ topics: { t: 2 }, nowMs: () => 42 })
    const publisher = transport.publisher()
    await publisher.open()
    await publisher.publish([record('t', 'a', 1), record('t', 'b', 0)], options)
    await publisher.publish([record('t', 'c', 1)], options)
    expect(
      transport.records('t').map((it) => [String(it.value), it.partition, it.offset, it.timestampMs]),
    ).toEqual([
      ['a', 1, 0n, 42],
      ['b', 0, 0n, 42],
      ['c', 1, 1n, 42],
    ])
    expect(transport.records('u')).toEqual([])
  })

  test('keeps its own copy of the bytes', async () => {
    const transport = inMemoryTransport({ topics: { t: 1 } })
    const publisher = transport.publisher()
    await publisher.open()
    const value = Buffer.from('before')
    await publisher.publish([{ ...record('t', ''), value }], options)
    value.fill('x')
    expect(String(transport.records('t')[0]?.value)).toBe('before')
  })

  test('creates no topic by itself, unless asked to', async () => {
    const strict = inMemoryTransport().publisher()
    await strict.open()
    expect(await strict.partitionCount('t')).toBeUndefined()
    const transport = inMemoryTransport({ autoCreateTopics: true })
    const publisher = transport.publisher()
    await publisher.open()
    expect(await publisher.publish([record('t', 'a')], options)).toEqual({ kind: 'acknowledged' })
    expect(await publisher.partitionCount('u')).toBe(1)
    const member = transport.subscriber({ group: 'g', topics: ['v'] })
    await member.run({ onBatch: async () => ({ kind: 'done' }) })
    expect(member.assignment()).toEqual(['v/0'])
    await member.stop()
  })

  test.each([false, true])('fails the next batch as ordered, written: %s', async (isWritten) => {
    const transport = inMemoryTransport({ topics: { t: 1 } })
    const publisher = transport.publisher()
    await publisher.open()
    transport.failNextPublish({ kind: 'unknown', reason: 'lost' }, { isWritten })
    expect(await publisher.publish([record('t', 'a')], options)).toEqual({
      kind: 'failed',
      failure: { kind: 'unknown', reason: 'lost' },
    })
    expect(publisher.state).toBe('poisoned')
    await expect(publisher.open()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
    expect(transport.records('t')).toHaveLength(isWritten ? 1 : 0)
    const next = transport.publisher()
    await next.open()
    expect(await next.publish([record('t', 'b')], options)).toEqual({ kind: 'acknowledged' })
  })

  test('forgets what groups committed in a topic that is deleted', async () => {
    const transport = inMemoryTransport({ topics: { t: 1 } })
    const publisher = transport.publisher()
    await publisher.open()
    await publisher.publish([record('t', 'a')], options)
    const read = Promise.withResolvers<void>()
    const member = transport.subscriber({ group: 'g', topics: ['t'] })
    await member.run({
      onBatch: async (batch) => {
        await batch.commit(1n)
        read.resolve()
        return { kind: 'done' }
      },
    })
    await read.promise
    await member.stop()
    const admin = transport.admin()
    expect(await admin.groupOffsets('g', 't')).toEqual([1n])
    transport.deleteTopic('t')
    await admin.createTopics([{ topic: 't', partitions: 1 }])
    expect(await admin.groupOffsets('g', 't')).toEqual([undefined])
  })
})
