import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Logger, silentLogger } from '../../../src/kernel/logger.ts'
import { kafkaBrokers, uniqueName } from '../../support/services.ts'
import { apiKeys, BrokerProxy } from './broker-proxy.ts'
import { eachDriver } from './real-drivers.ts'
import { harnessFor, Inbox, numbered, quickMember } from './transport-harness.ts'

describe.each(eachDriver)('with $name', ({ driver }) => {
  const direct = harnessFor(() => ({
    transport: driver({ brokers: kafkaBrokers() }),
    uniqueName,
    deleteTopic: () => Promise.reject(new Error('not needed here')),
  }))

  let proxy: BrokerProxy
  beforeEach(async () => {
    proxy = await BrokerProxy.start(kafkaBrokers())
  })
  afterEach(() => proxy.close())

  /** The same transport, but through the proxy. */
  const proxied = harnessFor(() => ({
    transport: driver({ brokers: proxy.brokers, connectionTimeoutMs: 500, requestTimeoutMs: 2_000 }),
    uniqueName,
    deleteTopic: () => Promise.reject(new Error('not needed here')),
  }))

  describe('a publisher', () => {
    test('meets its deadline when the broker hangs, is poisoned, and sends nothing more', async () => {
      const topic = await direct().newTopic(1)
      const publisher = await proxied().openPublisher()
      await publisher.publish(numbered(topic, 1), { deadlineMs: 5_000 })
      proxy.hang()
      const begunMs = performance.now()
      const result = await publisher.publish(numbered(topic, 1, 1, 1), { deadlineMs: 1_000 })
      const tookMs = performance.now() - begunMs
      expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'unknown' } })
      expect(tookMs).toBeGreaterThan(990)
      expect(tookMs).toBeLessThan(1_500)
      expect(publisher.state).toBe('poisoned')
      const sent = proxy.requests(apiKeys.produce)
      expect(sent).toBe(2)

      // left to itself a client would reconnect by now and send the batch again, once the requests have timed out: 2 s
      proxy.resume()
      await new Promise((resolve) => setTimeout(resolve, 3_000))
      expect(proxy.requests(apiKeys.produce)).toBe(sent)
      const closingMs = performance.now()
      await publisher.close()
      expect(performance.now() - closingMs).toBeLessThan(1_000)
      const successor = await proxied().openPublisher()
      expect(await successor.publish(numbered(topic, 2, 1, 1), { deadlineMs: 5_000 })).toEqual({
        kind: 'acknowledged',
      })
      expect((await direct().read([topic], 3)).map(({ value }) => String(value))).toEqual(['0', '1', '2'])
    })

    test('loses nothing and turns nothing round when an acknowledgement gets lost (rule C19)', async () => {
      const topic = await direct().newTopic(1)
      const publisher = await proxied().openPublisher()
      await publisher.publish(numbered(topic, 1), { deadlineMs: 5_000 })
      proxy.loseNextAnswer(apiKeys.produce)
      const lost = await publisher.publish(numbered(topic, 1, 1, 1), { deadlineMs: 1_000 })
      expect(lost).toMatchObject({ kind: 'failed', failure: { kind: 'unknown' } })
      // the danger: the same producer’s next batch of one record would be taken for the one whose answer was lost
      expect(await publisher.publish(numbered(topic, 1, 1, 2), { deadlineMs: 5_000 })).toMatchObject({
        kind: 'failed',
      })
      const successor = await proxied().openPublisher()
      await successor.publish(numbered(topic, 1, 1, 1), { deadlineMs: 5_000 })
      await successor.publish(numbered(topic, 1, 1, 2), { deadlineMs: 5_000 })
      expect((await direct().read([topic], 4)).map(({ value }) => String(value))).toEqual([
        '0',
        '1',
        '1',
        '2',
      ])
    })

    test('keeps order and loses nothing on a network that is slow, and cut in the middle', async () => {
      const topic = await direct().newTopic(2)
      let publisher = await proxied().openPublisher()
      proxy.delay(20)
      const sent: number[] = []
      for (let next = 0; next < 20; next += 1) {
        if (next % 6 === 5) setTimeout(() => proxy.cut(), 10)
        let isThere = false
        while (!isThere) {
          if (publisher.state !== 'ready') publisher = await proxied().openPublisher()
          const result = await publisher.publish(numbered(topic, 1, 1, next), { deadlineMs: 5_000 })
          isThere = result.kind === 'acknowledged'
        }
        sent.push(next)
      }
      const values = (await direct().read([topic], 20)).map(({ value }) => Number(value))
      expect([...new Set(values)]).toEqual(sent)
      expect(values.length - sent.length).toBeLessThan(10)
    })

    test('waits for a broker that reads slowly, and answers at its deadline', async () => {
      const topic = await direct().newTopic(1)
      const publisher = await proxied().openPublisher()
      await publisher.publish(numbered(topic, 1), { deadlineMs: 5_000 })
      const release = proxy.readSlowly()
      const large = Array.from({ length: 20 }, (_, n) => ({
        ...numbered(topic, 1)[0]!,
        value: `${n} ${'x'.repeat(700_000)}`,
      }))
      const begunMs = performance.now()
      const result = await publisher.publish(large, { deadlineMs: 1_500 })
      expect(performance.now() - begunMs).toBeLessThan(3_500)
      expect(result.kind).not.toBe('acknowledged')
      expect(publisher.state).toBe('poisoned')
      release()
    })

    test('survives lost connections while idle', async () => {
      const topic = await direct().newTopic(1)
      let publisher = await proxied().openPublisher()
      await publisher.publish(numbered(topic, 1), { deadlineMs: 5_000 })
      proxy.cut()
      let next = 1
      await expect
        .poll(
          async () => {
            if (publisher.state !== 'ready') publisher = await proxied().openPublisher()
            const result = await publisher.publish(numbered(topic, 1, 1, next), { deadlineMs: 5_000 })
            if (result.kind === 'acknowledged') next += 1
            return next
          },
          { timeout: 15_000 },
        )
        .toBe(3)
      const values = (await direct().read([topic], 3)).map(({ value }) => Number(value))
      expect(values).toEqual(values.toSorted((one, other) => one - other))
      expect(new Set(values)).toEqual(new Set([0, 1, 2]))
    })

    test('does not open where a broker accepts connections and never answers', async () => {
      const publisher = proxied().transport.publisher()
      proxy.hang()
      const begunMs = performance.now()
      await expect(publisher.open()).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
      expect(performance.now() - begunMs).toBeLessThan(11_000)
      expect(publisher.state).toBe('poisoned')
      await expect(publisher.partitionCount('t')).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' })
      await publisher.close()
    })
  })

  describe('nobody listens', () => {
    test('every part says so', async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      server.close()
      await once(server, 'close')
      const transport = driver({ brokers: [`127.0.0.1:${port}`] })
      const unreachable = { code: 'KAFKA_UNREACHABLE', retriable: true }
      const publisher = transport.publisher()
      await expect(publisher.open()).rejects.toMatchObject(unreachable)
      await publisher.close()
      const admin = transport.admin()
      await expect(admin.partitionCounts(['t'])).rejects.toMatchObject(unreachable)
      await expect(admin.createTopics([{ topic: 't', partitions: 1 }])).rejects.toMatchObject(unreachable)
      await admin.close()
      const member = transport.subscriber({ group: 'g', topics: ['t'] })
      await expect(member.run({ onBatch: async () => ({ kind: 'done' }) })).rejects.toMatchObject(unreachable)
      await member.stop()
    })
  })

  describe('a subscriber', () => {
    test('says which topics it waits for', async () => {
      const lines: { fields: object; message: string }[] = []
      const warned = Promise.withResolvers<void>()
      const logger: Logger = {
        ...silentLogger,
        warn: (fields, message) => {
          lines.push({ fields, message })
          warned.resolve()
        },
      }
      const topic = uniqueName()
      const member = driver({ brokers: kafkaBrokers(), logger }).subscriber({ group: 'g', topics: [topic] })
      const running = member.run({ onBatch: async () => ({ kind: 'done' }) })
      await warned.promise
      await member.stop()
      await running
      expect(lines).toEqual([
        { fields: { group: 'g', topics: [topic] }, message: expect.stringContaining('waiting for topics') },
      ])
    })

    test('reads on at the earliest record that is left where those after its commit were deleted', async () => {
      const { publish, newTopic, subscriber } = direct()
      const [topic, group] = [await newTopic(1), uniqueName()]
      await publish(numbered(topic, 10))
      const first = new Inbox()
      const one = subscriber({ group, topics: [topic] })
      await one.run({
        onBatch: async (batch) => {
          first.add(batch)
          await batch.commit(2n)
          return { kind: 'done' }
        },
      })
      await first.atLeast(10)
      await one.stop()
      const admin = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      await admin.fetchTopicOffsets(topic) // it must know the leaders first
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '5' }] })
      await admin.disconnect()
      const second = new Inbox()
      const other = subscriber({ group, topics: [topic] })
      await other.run({ onBatch: second.takeAll })
      await second.atLeast(5)
      expect(second.values()).toEqual(['5', '6', '7', '8', '9'])
      const own = driver({ brokers: kafkaBrokers() }).admin()
      expect(await own.beginOffsets(topic)).toEqual([5n])
      await own.close()
    })

    test('reads on after all its connections were cut', async () => {
      const { publish, newTopic } = direct()
      const topic = await newTopic(2)
      const inbox = new Inbox()
      const member = proxied().subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({ onBatch: inbox.takeAll })
      await publish(numbered(topic, 2, 2))
      await inbox.atLeast(2)
      proxy.cut()
      await publish(numbered(topic, 2, 2, 2))
      await inbox.until(() => new Set(inbox.values()).size === 4, 'the records after the cut', 30_000)
    })

    test('reads on after the broker hung for longer than its session', async () => {
      const { publish, newTopic } = direct()
      const topic = await newTopic(1)
      const inbox = new Inbox()
      const member = proxied().subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({ onBatch: inbox.takeAll })
      await publish(numbered(topic, 1))
      await inbox.atLeast(1)
      proxy.hang()
      await new Promise((resolve) => setTimeout(resolve, 3 * quickMember.sessionTimeoutMs))
      proxy.resume()
      await publish(numbered(topic, 1, 1, 1))
      await inbox.until(() => inbox.values().includes('1'), 'the record after the pause', 40_000)
    })

    test('is rebuilt when it falls silent: the broker hangs and nobody cuts the connection', {
      timeout: 90_000,
    }, async () => {
      const { publish, newTopic } = direct()
      const topic = await newTopic(1)
      const inbox = new Inbox()
      const member = proxied().subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({ onBatch: inbox.takeAll })
      await publish(numbered(topic, 1))
      await inbox.atLeast(1)
      proxy.hangPresent()
      await publish(numbered(topic, 1, 1, 1))
      await inbox.until(() => inbox.values().includes('1'), 'the record after the silence', 60_000)
    })
  })
})
