import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import { platformatic } from '../../../src/kafka/platformatic/index.ts'
import type { KafkaTransport } from '../../../src/transport/transport.ts'
import { kafkaBrokers, uniqueName } from '../../support/services.ts'
import { apiKeys, BrokerProxy } from './broker-proxy.ts'
import { harnessFor, Inbox, numbered, type TransportHarness } from './transport-harness.ts'

let proxy: BrokerProxy
beforeEach(async () => {
  proxy = await BrokerProxy.start(kafkaBrokers())
})
afterEach(() => proxy.close())

const over = (transport: () => KafkaTransport): (() => TransportHarness) =>
  harnessFor(() => ({
    transport: transport(),
    uniqueName,
    deleteTopic: () => Promise.reject(new Error('not needed here')),
  }))
const direct = over(() => platformatic({ brokers: kafkaBrokers() }))
const proxied = over(() =>
  platformatic({ brokers: proxy.brokers, connectionTimeoutMs: 500, requestTimeoutMs: 1_000 }),
)
const values = async (topic: string, count: number): Promise<string[]> =>
  (await direct().read([topic], count)).map(({ value }) => String(value))

describe('the broker checks what a publisher sends', () => {
  test('a lost answer is asked for again within the deadline: nothing comes twice', async () => {
    const topic = await direct().newTopic(1)
    const publisher = await proxied().openPublisher()
    await publisher.publish(numbered(topic, 1), { deadlineMs: 5_000 })
    proxy.loseNextAnswer(apiKeys.produce)
    const lost = publisher.publish(numbered(topic, 3, 1, 1), { deadlineMs: 10_000 })
    const behind = publisher.publish(numbered(topic, 2, 1, 4), { deadlineMs: 10_000 })
    expect(await Promise.all([lost, behind])).toEqual([{ kind: 'acknowledged' }, { kind: 'acknowledged' }])
    await publisher.publish(numbered(topic, 1, 1, 6), { deadlineMs: 5_000 })
    expect(await values(topic, 7)).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  })

  test('cuts in the middle of many publishes cost neither order nor duplicates', async () => {
    const topic = await direct().newTopic(3)
    const publisher = await proxied().openPublisher()
    proxy.delay(5)
    const cutting = setInterval(() => proxy.cut(), 60)
    onTestFinished(() => clearInterval(cutting))
    const total = 300
    for (let first = 0; first < total; first += 30) {
      const batches = [0, 10, 20].map((offset) => numbered(topic, 10, 3, first + offset))
      const results = await Promise.all(batches.map((it) => publisher.publish(it, { deadlineMs: 20_000 })))
      for (const result of results) expect(result).toEqual({ kind: 'acknowledged' })
    }
    clearInterval(cutting)
    const records = await direct().read([topic], total)
    for (const partition of [0, 1, 2]) {
      const own = records.filter((it) => it.partition === partition).map(({ value }) => Number(value))
      expect(own).toEqual(Array.from({ length: total / 3 }, (_, n) => n * 3 + partition))
    }
  })

  test.each([
    { succeeds: true, expected: ['0', '1', '2'] },
    // what the rule is for: the late bytes turn the order round
    { succeeds: false, expected: ['0', '1', '2', '1'] },
  ])('bytes that arrive late are refused once a successor has written: $succeeds (rule C19)', async (it) => {
    const topic = await direct().newTopic(1)
    const publisher = await proxied().openPublisher()
    await publisher.publish(numbered(topic, 1), { deadlineMs: 5_000 })
    proxy.holdNextRequest(apiKeys.produce)
    const lost = await publisher.publish(numbered(topic, 1, 1, 1), { deadlineMs: 500 })
    expect(lost).toMatchObject({ kind: 'failed', failure: { kind: 'unknown' } })
    const { transport } = direct()
    const successor = transport.publisher(it.succeeds ? { succeeds: publisher.identity } : {})
    await successor.open()
    await successor.publish(numbered(topic, 1, 1, 1), { deadlineMs: 5_000 })
    await successor.publish(numbered(topic, 1, 1, 2), { deadlineMs: 5_000 })
    expect(await proxy.deliverHeld()).toHaveLength(1)
    await successor.close()
    const admin = transport.admin()
    expect(await admin.endOffsets(topic)).toEqual([BigInt(it.expected.length)])
    await admin.close()
    expect(await values(topic, it.expected.length)).toEqual(it.expected)
  })

  test('a topic that takes small batches only is learned of; a record that is too large alone is named', async () => {
    const topic = uniqueName()
    const { transport, openPublisher } = direct()
    const admin = transport.admin()
    await admin.createTopics([{ topic, partitions: 1, config: { 'max.message.bytes': '20000' } }])
    await admin.close()
    const publisher = await openPublisher()
    const sized = (n: number, bytes: number) => ({
      ...numbered(topic, 1)[0]!,
      value: `${n} ${'x'.repeat(bytes)}`,
    })
    const many = Array.from({ length: 200 }, (_, n) => sized(n, 1_000))
    expect(await publisher.publish(many, { deadlineMs: 10_000 })).toEqual({ kind: 'acknowledged' })
    const mixed = [sized(200, 10), sized(201, 30_000), sized(202, 10)]
    const result = await publisher.publish(mixed, { deadlineMs: 10_000 })
    if (result.kind !== 'partial') throw new Error(`it is ${result.kind}`)
    expect([...result.failures].map(([index, { kind }]) => [index, kind])).toEqual([
      [1, 'record'],
      [2, 'retriable'],
    ])
    expect(publisher.state).toBe('ready')
    expect((await values(topic, 201)).map((it) => Number(it.split(' ')[0]))).toEqual(
      Array.from({ length: 201 }, (_, n) => n),
    )
  })

  test('a record that the broker finds invalid is named among its batch', async () => {
    const topic = uniqueName()
    const { transport, openPublisher } = direct()
    const admin = transport.admin()
    await admin.createTopics([{ topic, partitions: 1, config: { 'cleanup.policy': 'compact' } }])
    await admin.close()
    const publisher = await openPublisher()
    const records = numbered(topic, 3)
    const result = await publisher.publish([records[0]!, { ...records[1]!, key: null }, records[2]!], {
      deadlineMs: 5_000,
    })
    if (result.kind !== 'partial') throw new Error(`it is ${result.kind}`)
    expect([...result.failures].map(([index, { kind }]) => [index, kind])).toEqual([
      [0, 'retriable'],
      [1, 'record'],
      [2, 'retriable'],
    ])
  })
})

test('a broker that hangs is met once, and holds nobody up that has others to ask', async () => {
  const sockets = new Set<Socket>()
  const silent = createServer((socket) => void sockets.add(socket.on('error', () => undefined)))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const { port } = silent.address() as AddressInfo
  const { transport, newTopic, openPublisher, publish, subscriber } = over(() =>
    platformatic({ brokers: [`127.0.0.1:${port}`, ...kafkaBrokers()] }),
  )()
  const topic = await newTopic(1)
  const met = sockets.size
  expect(met).toBe(1)
  const publisher = await openPublisher()
  expect(await publisher.publish(numbered(topic, 1), { deadlineMs: 5_000 })).toEqual({ kind: 'acknowledged' })
  const inbox = new Inbox()
  await subscriber({ group: uniqueName(), topics: [topic] }).run({ onBatch: inbox.takeAll })
  await publish(numbered(topic, 1, 1, 1))
  await inbox.atLeast(2)
  const admin = transport.admin()
  expect(await admin.partitionCounts([topic])).toEqual(new Map([[topic, 1]]))
  await admin.close()
  expect(sockets.size).toBe(met)
})

test('members of both drivers share a group, and take over from each other', async () => {
  const { newTopic, publish, subscriber } = direct()
  const [topic, group] = [await newTopic(4), uniqueName()]
  const inbox = new Inbox()
  const one = subscriber({ group, topics: [topic] })
  await one.run({ onBatch: inbox.takeAll })
  const other = kafkajs({ brokers: kafkaBrokers() }).subscriber({ group, topics: [topic], maxWaitMs: 50 })
  await other.run({ onBatch: inbox.takeAll })
  const held = (): number[] => [one.assignment().length, other.assignment().length]
  await expect.poll(held, { timeout: 15_000 }).toEqual([2, 2])
  await publish(numbered(topic, 40, 4))
  await inbox.until(() => new Set(inbox.values()).size === 40, '40 records')
  await one.stop()
  await expect.poll(held, { timeout: 15_000 }).toEqual([0, 4])
  await publish(numbered(topic, 40, 4, 40))
  await inbox.until(() => new Set(inbox.values()).size === 80, '80 records')
  await other.stop()
})
