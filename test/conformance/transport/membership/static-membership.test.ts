import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { platformatic } from '../../../../src/kafka/platformatic/index.ts'
import { type Logger, silentLogger } from '../../../../src/kernel/logger.ts'
import type { ReceivedBatch } from '../../../../src/transport/subscriber.ts'
import { kafkaBrokers, uniqueName } from '../../../support/services.ts'
import { eachDriver } from '../real-drivers.ts'
import { harnessFor, Inbox, nextOffset, numbered } from '../transport-harness.ts'

const errors: object[] = []
const logger: Logger = { ...silentLogger, error: (fields) => void errors.push(fields) }
const harness = harnessFor(() => ({
  transport: platformatic({ brokers: kafkaBrokers(), logger }),
  uniqueName,
  deleteTopic: () => Promise.reject(new Error('not needed here')),
}))
const sessionTimeoutMs = 3_000
const assigned = { timeout: 15_000 }

describe('a member with a name', () => {
  test('that comes back within its session has its partitions again, and nobody is dealt out anew', async () => {
    const { newTopic, publish, subscriber } = harness()
    const [topic, group] = [await newTopic(2), uniqueName()]
    await publish(numbered(topic, 2, 2))
    const batches: ReceivedBatch[] = []
    const stayed = new Inbox()
    const staying = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'one' })
    await staying.run({
      onBatch: async (batch) => {
        batches.push(batch)
        return stayed.takeAll(batch)
      },
    })
    const first = new Inbox()
    const gone = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'two' })
    await gone.run({ onBatch: first.takeAll })
    await expect.poll(() => [staying.assignment().length, gone.assignment().length], assigned).toEqual([1, 1])
    const before = [staying.assignment(), gone.assignment()]
    await publish(numbered(topic, 2, 2, 2))
    await first.until(() => first.records.some(({ offset }) => offset === 1n), 'its second record')
    await stayed.until(() => stayed.records.some(({ offset }) => offset === 1n), 'the other one')
    await gone.stop()
    await publish(numbered(topic, 2, 2, 4))
    const second = new Inbox()
    const back = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'two' })
    const begunMs = performance.now()
    await back.run({ onBatch: second.takeAll })
    expect(performance.now() - begunMs).toBeLessThan(sessionTimeoutMs)
    expect([staying.assignment(), back.assignment()]).toEqual(before)
    await second.atLeast(1)
    expect(second.records.map(({ offset }) => offset)).toEqual([2n])
    expect(batches.at(-1)!.signal.aborted).toBe(false)
    // past the session of the one that went: its name is alive
    await new Promise((resolve) => setTimeout(resolve, 1.5 * sessionTimeoutMs))
    expect([staying.assignment(), back.assignment()]).toEqual(before)
    expect(batches.at(-1)!.signal.aborted).toBe(false)
  })

  test('that does not come back is replaced after its session', async () => {
    const { newTopic, publish, subscriber } = harness()
    const [topic, group] = [await newTopic(2), uniqueName()]
    await publish(numbered(topic, 2, 2))
    const inbox = new Inbox()
    const gone = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'two' })
    await gone.run({ onBatch: async () => ({ kind: 'done' }) })
    const staying = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'one' })
    await staying.run({ onBatch: inbox.takeAll })
    await expect.poll(() => [staying.assignment().length, gone.assignment().length], assigned).toEqual([1, 1])
    await gone.stop()
    await inbox.until(() => new Set(inbox.values()).size === 2, 'the records of both partitions')
    expect(staying.assignment()).toHaveLength(2)
  })

  test('whose name is taken says so, commits nothing more under it, and goes on without one', async () => {
    const { newTopic, publish, subscriber } = harness()
    const [topic, group] = [await newTopic(2), uniqueName()]
    await publish(numbered(topic, 2, 2))
    errors.length = 0
    const held: ReceivedBatch[] = []
    const first = new Inbox()
    const earlier = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'one' })
    await earlier.run({
      onBatch: async (batch) => {
        held.push(batch)
        first.add(batch)
        return { kind: 'done' }
      },
    })
    await first.atLeast(2)
    const second = new Inbox()
    const aborts: boolean[] = []
    const later = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'one' })
    await later.run({
      onBatch: async (batch) => {
        batch.signal.addEventListener('abort', () => aborts.push(true), { once: true })
        return second.takeAll(batch)
      },
    })
    expect(await held[0]!.commit(nextOffset(held[0]!))).toBe('stale')
    await second.atLeast(1)
    await expect
      .poll(() => [earlier.assignment().length, later.assignment().length], assigned)
      .toEqual([1, 1])
    expect(errors).toEqual([{ group, instanceId: 'one' }])
    const abortsBefore = aborts.length
    await new Promise((resolve) => setTimeout(resolve, 1.5 * sessionTimeoutMs))
    expect(aborts.length).toBe(abortsBefore)
    expect([earlier.assignment().length, later.assignment().length]).toEqual([1, 1])
  })

  test('notices new partitions also where it came back as the one that deals out', async () => {
    const { newTopic, publish, subscriber } = harness()
    const [topic, group] = [await newTopic(1), uniqueName()]
    const first = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'one' })
    await first.run({ onBatch: async () => ({ kind: 'done' }) })
    await first.stop()
    const back = subscriber({ group, topics: [topic], sessionTimeoutMs, instanceId: 'one' })
    await back.run({ onBatch: async () => ({ kind: 'done' }) })
    await addPartitions(topic, 2)
    await expect.poll(() => back.assignment().length, { timeout: 30_000 }).toBe(2)
    await publish(numbered(topic, 2, 2))
  })
})

test.each(eachDriver)(
  '$name says whether it knows named members, and takes the option in any case',
  async ({ driver, name }) => {
    const transport = driver({ brokers: kafkaBrokers() })
    expect(transport.capabilities.staticMembership).toBe(name === 'platformatic')
    const { newTopic } = harness()
    const topic = await newTopic(1)
    const member = transport.subscriber({
      group: uniqueName(),
      topics: [topic],
      instanceId: 'one',
      maxWaitMs: 50,
    })
    await member.run({ onBatch: async () => ({ kind: 'done' }) })
    expect(member.assignment()).toEqual([`${topic}/0`])
    await member.stop()
  },
)

async function addPartitions(topic: string, count: number): Promise<void> {
  const admin = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic, count }] })
  await admin.disconnect()
}
