import { afterEach, describe, expect, test } from 'vitest'
import { settlesWithin } from '../../../../src/transport/settles-within.ts'
import type { KafkaTransport } from '../../../../src/transport/transport.ts'
import { kafkaBrokers, uniqueName } from '../../../support/services.ts'
import { kafkajs } from '../../../../src/kafka/kafkajs/index.ts'
import { platformatic } from '../../../../src/kafka/platformatic/index.ts'
import { harnessFor, numbered } from '../transport-harness.ts'
import { StormMember, StormRecord } from './storm-member.ts'

const partitions = 6
const stormMs = 20_000

const drivers: { name: string; transports: () => KafkaTransport[] }[] = [
  { name: 'kafkajs', transports: () => [kafkajs({ brokers: kafkaBrokers() })] },
  { name: 'platformatic', transports: () => [platformatic({ brokers: kafkaBrokers() })] },
  {
    name: 'members of both',
    transports: () => [kafkajs({ brokers: kafkaBrokers() }), platformatic({ brokers: kafkaBrokers() })],
  },
]

describe.each(drivers)('a member that joins or leaves each second, for 20 s: $name', ({ transports }) => {
  const harness = harnessFor(() => ({
    transport: transports()[0]!,
    uniqueName,
    deleteTopic: () => Promise.reject(new Error('not needed here')),
  }))
  const members = new Set<StormMember>()
  afterEach(() => Promise.all([...members].map((member) => member.stop(0))))

  test('nothing is lost, and nothing is committed for a partition that another member has', {
    timeout: 120_000,
  }, async () => {
    const seed = Date.now() % 100_000
    console.log('rebalance storm', { seed })
    const random = randomOf(seed)
    const { newTopic, openPublisher, transport: _, ...rest } = harness()
    const [topic, group] = [await newTopic(partitions), rest.uniqueName()]
    const all = transports()
    const record = new StormRecord()
    const join = async (): Promise<void> => {
      const transport = all[members.size % all.length]!
      const member = new StormMember({ transport, group, topic, record, random })
      members.add(member)
      await member.run()
    }
    await join()
    await join()

    let published = 0
    const over = new AbortController()
    const publishing = (async () => {
      const publisher = await openPublisher()
      while (!over.signal.aborted) {
        const result = await publisher.publish(numbered(topic, partitions * 2, partitions, published), {
          deadlineMs: 10_000,
        })
        expect(result.kind).toBe('acknowledged')
        published += partitions * 2
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })()

    const comings: Promise<void>[] = []
    const untilMs = performance.now() + stormMs
    while (performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      if (members.size < 2 || (members.size < 4 && random() < 0.5)) comings.push(join())
      else {
        const leaving = [...members][Math.floor(random() * members.size)]!
        members.delete(leaving)
        comings.push(leaving.stop(random() < 0.3 ? 0 : 2_000))
      }
    }
    over.abort()
    await publishing
    expect(await settlesWithin(Promise.all(comings), 30_000)).toBe(true)
    await record.until(() => record.handled.size === published, `all ${published} records`)

    expect(record.wrongs).toEqual([])
    const { committed, stale, tenures } = record
    console.log('rebalance storm', { published, tenures, committed, stale, again: record.again })
    // else it was no storm, and the test saw nothing of what it is for
    expect(tenures).toBeGreaterThanOrEqual(partitions * 2)
    expect(committed).toBeGreaterThan(0)
    expect(stale).toBeGreaterThan(0)
  })
})

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
