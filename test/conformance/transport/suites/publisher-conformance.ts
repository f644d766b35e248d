import { describe, expect, test } from 'vitest'
import type {
  OutgoingRecord,
  PublishFailure,
  Publisher,
  PublishResult,
} from '../../../../src/transport/publisher.ts'
import { numbered, type TransportHarness } from '../transport-harness.ts'

const deadlineMs = 10_000

/** What every publisher must do, whatever its driver. */
export function publisherConformance(harness: () => TransportHarness): void {
  describe('a publisher', () => {
    test('keeps the order of each partition over many batches', async () => {
      const { newTopic, openPublisher, read } = harness()
      const topic = await newTopic(3)
      const publisher = await openPublisher()
      for (let first = 0; first < 2_000; first += 500) {
        expect(await publisher.publish(numbered(topic, 500, 3, first), { deadlineMs })).toEqual({
          kind: 'acknowledged',
        })
      }
      const records = await read([topic], 2_000)
      for (const partition of [0, 1, 2]) {
        const values = records.filter((it) => it.partition === partition).map((it) => Number(it.value))
        expect(values).toEqual(values.toSorted((one, other) => one - other))
        expect(new Set(values).size).toBe(values.length)
      }
      expect(records).toHaveLength(2_000)
    })

    test('sends keys, values and headers byte for byte', async () => {
      const { newTopic, publish, read } = harness()
      const topic = await newTopic(1)
      const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
      const sent: OutgoingRecord[] = [
        record(topic, { key: 'grüße 🎈', value: '{"an":"\u0000\u2028𝄞"}' }),
        record(topic, { key: everyByte, value: everyByte }),
        record(topic, { key: null, value: null }),
        record(topic, { key: '', value: '' }),
        record(topic, { key: Buffer.alloc(0), value: Buffer.alloc(0) }),
        record(topic, {
          headers: [
            ['twice', 'one'],
            ['twice', everyByte],
            ['ünïcode ✓', 'wert ✓'],
            ['empty', ''],
            ['constructor', 'c'],
            ['__proto__', 'p'],
            ['toString', Buffer.from([0xff])],
          ],
        }),
      ]
      await publish(sent)
      const received = await read([topic], sent.length)
      for (const [index, expected] of sent.entries()) {
        const actual = received[index]!
        expect(actual.key, `key of ${index}`).toEqual(bytes(expected.key))
        expect(actual.value, `value of ${index}`).toEqual(bytes(expected.value))
        const headers = expected.headers.map(([name, value]) => [name, bytes(value)])
        expect(actual.headers, `headers of ${index}`).toEqual(headers)
      }
      expect(Math.abs(received[0]!.timestampMs - Date.now())).toBeLessThan(60_000)
    })

    test('writes one batch to several topics', async () => {
      const { newTopic, publish, read } = harness()
      const [one, other] = [await newTopic(2), await newTopic(1)]
      await publish([numbered(one, 10, 2), numbered(other, 10)].flatMap((list) => list))
      const records = await read([one, other], 20)
      expect(records.filter(({ topic }) => topic === one)).toHaveLength(10)
      expect(records.filter(({ topic }) => topic === other)).toHaveLength(10)
    })

    test('splits a batch that is larger than the broker takes at once', async () => {
      const { newTopic, publish, read } = harness()
      const topic = await newTopic(1)
      const padding = 'ä'.repeat(1_000)
      const values = Array.from({ length: 1_000 }, (_, index) => `${index} ${padding}`)
      await publish(values.map((value) => record(topic, { value })))
      expect((await read([topic], 1_000)).map(({ value }) => String(value))).toEqual(values)
    })

    test('fails records of an unknown topic alone, as `topic`, and goes on', async () => {
      const { newTopic, openPublisher, read, uniqueName } = harness()
      const [topic, missing] = [await newTopic(1), uniqueName()]
      const publisher = await openPublisher()
      const alone = await publisher.publish(numbered(missing, 1), { deadlineMs })
      expect(failureAt(alone, 0)?.kind).toBe('topic')
      const mixed = [...numbered(topic, 1), ...numbered(missing, 1), ...numbered(topic, 1, 1, 1)]
      const result = await publisher.publish(mixed, { deadlineMs })
      expect([0, 1, 2].map((index) => failureAt(result, index)?.kind)).toEqual([
        undefined,
        'topic',
        undefined,
      ])
      expect(publisher.state).toBe('ready')
      expect(await publisher.publish(numbered(topic, 1, 1, 2), { deadlineMs })).toEqual({
        kind: 'acknowledged',
      })
      expect((await read([topic], 3)).map(({ value }) => String(value))).toEqual(['0', '1', '2'])
    })

    test('fails a partition that the topic does not have as `topic`: no later try can succeed', async () => {
      const { newTopic, openPublisher } = harness()
      const topic = await newTopic(2)
      const publisher = await openPublisher()
      const astray = [...numbered(topic, 2, 2), { ...numbered(topic, 1)[0]!, partition: 7 }]
      const failure = failureAt(await publisher.publish(astray, { deadlineMs }), 2)
      expect(failure?.kind).toBe('topic')
    })

    test('fails as `topic` where a topic was made again with fewer partitions', async () => {
      const { newTopic, openPublisher, deleteTopic, transport } = harness()
      const topic = await newTopic(4)
      const publisher = await openPublisher()
      expect(await publisher.publish(numbered(topic, 4, 4), { deadlineMs })).toEqual({ kind: 'acknowledged' })
      await publisher.close()
      await deleteTopic(topic)
      const admin = transport.admin()
      await expect.poll(async () => (await admin.partitionCounts([topic])).size, { timeout: 15_000 }).toBe(0)
      await admin.createTopics([{ topic, partitions: 2 }])
      await admin.close()
      const successor = await openPublisher()
      expect(failureAt(await successor.publish(numbered(topic, 4, 4), { deadlineMs }), 3)?.kind).toBe('topic')
    })

    test('names a record that is too large; then it goes on, or refuses to and is replaced', async () => {
      const { newTopic, openPublisher, read } = harness()
      const topic = await newTopic(1)
      const publisher = await openPublisher()
      await publisher.publish(numbered(topic, 1), { deadlineMs })
      const result = await publisher.publish([record(topic, { value: Buffer.alloc(2_000_000) })], {
        deadlineMs,
      })
      expect(failureAt(result, 0)?.kind).toBe('record')
      let next = publisher
      if (publisher.state !== 'ready') {
        expect(publisher.state).toBe('poisoned')
        const refused = await publisher.publish(numbered(topic, 1, 1, 1), { deadlineMs })
        expect(failureAt(refused, 0)?.kind).toBe('unknown')
        await publisher.close()
        next = await openPublisher()
      }
      expect(await next.publish(numbered(topic, 1, 1, 2), { deadlineMs })).toEqual({ kind: 'acknowledged' })
      expect((await read([topic], 2)).map(({ value }) => String(value))).toEqual(['0', '2'])
    })

    test('writes nothing of a partition behind a record that is refused, also of later publishes', async () => {
      const { newTopic, openPublisher, read, transport } = harness()
      const topic = await newTopic(2)
      const publisher = await openPublisher()
      await publisher.publish(numbered(topic, 2, 2), { deadlineMs })
      const huge = record(topic, { value: Buffer.alloc(2_000_000) })
      const batches = [[huge, ...numbered(topic, 2, 2, 2)], numbered(topic, 2, 2, 4)]
      const publishes = batches.slice(0, transport.capabilities.publishesUnderWayMax)
      const results = await Promise.all(publishes.map((it) => publisher.publish(it, { deadlineMs })))
      expect(failureAt(results[0]!, 0)?.kind).toBe('record')
      expect(failureAt(results[0]!, 1)?.kind).toBeDefined()
      if (results[1] !== undefined) expect(failureAt(results[1], 0)?.kind).toBe('retriable')
      const next = publisher.state === 'ready' ? publisher : await openPublisher()
      expect(await next.publish([record(topic, { value: 'last' })], { deadlineMs })).toEqual({
        kind: 'acknowledged',
      })
      const own = (await read([topic], 3)).filter(({ partition }) => partition === 0)
      expect(own.map(({ value }) => String(value))).toEqual(['0', 'last'])
    })

    test('goes on with other topics soon after one was deleted', async () => {
      const { newTopic, openPublisher, deleteTopic } = harness()
      const [kept, deleted] = [await newTopic(1), await newTopic(1)]
      let publisher = await openPublisher()
      await publisher.publish([...numbered(kept, 1), ...numbered(deleted, 1)], { deadlineMs })
      await deleteTopic(deleted)
      await expect
        .poll(() => publisher.partitionCount(deleted), { timeout: 15_000, interval: 200 })
        .toBeUndefined()
      const begun = performance.now()
      const result = await publisher.publish([...numbered(deleted, 1), ...numbered(kept, 1)], { deadlineMs })
      expect(failureAt(result, 0)?.kind).toBe('topic')
      if (publisher.state === 'poisoned') publisher = await openPublisher()
      expect(await publisher.publish(numbered(kept, 1), { deadlineMs })).toEqual({ kind: 'acknowledged' })
      expect(performance.now() - begun).toBeLessThan(5_000)
    })

    test('fails as `topic` where a topic is deleted under its hands, and its successor goes on', async () => {
      const { newTopic, openPublisher, deleteTopic, transport } = harness()
      const [kept, deleted] = [await newTopic(1), await newTopic(1)]
      const publisher = await openPublisher()
      await publisher.publish([...numbered(kept, 1), ...numbered(deleted, 1)], { deadlineMs })
      await deleteTopic(deleted)
      const admin = transport.admin()
      await expect
        .poll(async () => (await admin.partitionCounts([deleted])).size, { timeout: 15_000 })
        .toBe(0)
      await admin.close()
      const result = await publisher.publish(numbered(deleted, 1), { deadlineMs })
      expect(failureAt(result, 0)?.kind).toBe('topic')
      const successor = await openPublisher()
      expect(await successor.publish(numbered(kept, 1), { deadlineMs })).toEqual({ kind: 'acknowledged' })
    })

    test('knows how many partitions topics have, also of those created meanwhile', async () => {
      const { newTopic, openPublisher, uniqueName, transport } = harness()
      const [topic, later] = [await newTopic(5), uniqueName()]
      const publisher = await openPublisher()
      expect(await publisher.partitionCount(topic)).toBe(5)
      expect(await publisher.partitionCount(later)).toBeUndefined()
      const admin = transport.admin()
      await admin.createTopics([{ topic: later, partitions: 2 }])
      await admin.close()
      await expect.poll(() => publisher.partitionCount(later), { timeout: 5_000 }).toBe(2)
    })

    test('takes as many publishes at a time as it says, and keeps their order', async () => {
      const { newTopic, openPublisher, read, transport } = harness()
      const topic = await newTopic(2)
      const publisher = await openPublisher()
      const { publishesUnderWayMax } = transport.capabilities
      const publishes = Array.from({ length: publishesUnderWayMax + 1 }, (_, n) =>
        publisher.publish(numbered(topic, 10, 2, n * 10), { deadlineMs }),
      )
      const results = await Promise.all(publishes)
      expect(failureAt(results.pop()!, 0)?.kind).toBe('retriable')
      for (const result of results) expect(result).toEqual({ kind: 'acknowledged' })
      const records = await read([topic], publishesUnderWayMax * 10)
      for (const partition of [0, 1]) {
        const values = records.filter((it) => it.partition === partition).map(({ value }) => Number(value))
        expect(values).toEqual(values.toSorted((one, other) => one - other))
      }
    })

    test('is new, ready, closed, and takes work only while ready', async () => {
      const { newTopic, transport } = harness()
      const topic = await newTopic(1)
      const publisher: Publisher = transport.publisher()
      expect(publisher.state).toBe('new')
      expect((await publisher.publish(numbered(topic, 1), { deadlineMs })).kind).toBe('failed')
      await Promise.all([publisher.open(), publisher.open()])
      expect(publisher.state).toBe('ready')
      expect(await publisher.publish([], { deadlineMs })).toEqual({ kind: 'acknowledged' })
      await publisher.close()
      await publisher.close()
      expect(publisher.state).toBe('closed')
      expect((await publisher.publish(numbered(topic, 1), { deadlineMs })).kind).toBe('failed')
    })
  })
}

function record(topic: string, fields: Partial<OutgoingRecord>): OutgoingRecord {
  return { topic, partition: 0, key: 'k', value: 'v', headers: [], ...fields }
}

function bytes(value: string | Buffer | null): Buffer | null {
  return typeof value === 'string' ? Buffer.from(value) : value
}

function failureAt(result: PublishResult, index: number): PublishFailure | undefined {
  if (result.kind === 'failed') return result.failure
  return result.kind === 'partial' ? result.failures.get(index) : undefined
}
