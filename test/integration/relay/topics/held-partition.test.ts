import { afterEach, beforeEach, expect, test } from 'vitest'
import { createOutboxOperator } from '../../../../src/runtime/outbox-operator.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import type { OutgoingRecord, Publisher } from '../../../../src/transport/publisher.ts'
import type { KafkaTransport } from '../../../../src/transport/transport.ts'
import { type RelayWorld, relayWorld, topic, until } from '../relay-world.ts'

let world: RelayWorld
const sick = new Set<number>()
beforeEach(async () => {
  sick.clear()
  world = await relayWorld()
})
afterEach(() => world.close())

const keys = Array.from({ length: 12 }, (_, n) => `k-${n}`)
const isSick = (key: string): boolean => sick.has(partitionOf(key, 4))

/** The Kafka in memory, but some partitions have no leader. */
function withSickPartitions(transport: KafkaTransport): KafkaTransport {
  const wrapped = (publisher: Publisher): Publisher => {
    let isPoisoned = false
    return {
      get state() {
        return isPoisoned ? 'poisoned' : publisher.state
      },
      open: () => publisher.open(),
      partitionCount: (name) => publisher.partitionCount(name),
      publish: async (records: readonly OutgoingRecord[], options) => {
        if (!records.some(({ partition }) => sick.has(partition))) return publisher.publish(records, options)
        isPoisoned = true
        return { kind: 'failed', failure: { kind: 'unknown', reason: 'no leader' } }
      },
      close: (options) => publisher.close(options),
    }
  }
  return { ...transport, publisher: () => wrapped(transport.publisher()) }
}

const firsts = (key: string): string[] => [
  ...new Set(
    world.transport
      .records(topic)
      .filter((record) => String(record.key) === key)
      .map(({ value }) => String(value)),
  ),
]

test('rows of a partition without a leader wait in the quarantine, others flow, and they follow by themselves (rule B12)', async () => {
  const transport = withSickPartitions(world.transport)
  const relay = await world.relay({ transport })
  sick.add(1)
  for (let n = 0; n < 5; n++) for (const key of keys) await world.insert(key, String(n))
  const operator = createOutboxOperator({ database: world.pool })
  const expected = 5 * keys.filter(isSick).length
  await until('the others flow', () =>
    keys.filter((key) => !isSick(key)).every((key) => firsts(key).length === 5),
  )
  await until('its rows wait', async () => (await operator.list()).length === expected)
  const [first] = await operator.list()
  expect(first).toMatchObject({ topic, code: 'OUTBOX_PARTITION_HELD', reason: 'no leader' })
  expect(relay.status()[0]?.heldPartitions).toEqual([`${topic}/1`])
  // what an operator wants dropped is dropped, though the partition cannot be written to
  await operator.skip({ seqs: [first?.seq ?? ''] }, { actor: 'ann', reason: 'of no use' })
  await until('it is dropped', async () => (await operator.list()).length === expected - 1)

  await relay.stop()
  const next = await world.relay({ transport })
  await until('it is still held', () => next.status()[0]?.heldPartitions[0] === `${topic}/1`)
  for (const key of keys) await world.insert(key, '5')
  sick.clear()
  await until('it flows again', () => next.status()[0]?.heldPartitions.length === 0)
  for (const key of keys) await world.insert(key, '6')
  await until('all is delivered', () => keys.every((key) => firsts(key).at(-1) === '6'))
  for (const key of keys)
    expect(firsts(key)).toEqual(
      key === first?.key ? ['1', '2', '3', '4', '5', '6'] : ['0', '1', '2', '3', '4', '5', '6'],
    )
  expect(await operator.list()).toEqual([])
})
