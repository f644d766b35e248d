import kafkajs from 'kafkajs'

// Reads a topic from its beginning to where its end is now, and counts.
const { brokers, topic } = JSON.parse(process.argv[2]!) as { brokers: string[]; topic: string }
process.once('disconnect', () => process.exit(1))
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()
const left = new Map(
  (await admin.fetchTopicOffsets(topic))
    .filter(({ high }) => high !== '0')
    .map(({ partition, high }) => [partition, BigInt(high)]),
)
await admin.disconnect()

const ids = new Set<string>()
const lastOfKey = new Map<string, number>()
let records = 0
let inversions = 0
let firstMs = Infinity
let lastMs = 0
const consumer = kafka.consumer({ groupId: `bench-count-${Date.now()}` })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
const { promise: done, resolve } = Promise.withResolvers<void>()
if (left.size === 0) resolve()
await consumer.run({
  autoCommit: false,
  eachBatch: ({ batch }) => {
    for (const { key, value, headers, timestamp } of batch.messages) {
      const atMs = Number(timestamp)
      records++
      if (atMs < firstMs) firstMs = atMs
      if (atMs > lastMs) lastMs = atMs
      const before = ids.size
      ids.add(String(headers?.['id']))
      if (ids.size === before) continue
      const n = numberOf(value!)
      const text = key!.toString()
      if (n < (lastOfKey.get(text) ?? -1)) inversions++
      lastOfKey.set(text, n)
    }
    if (BigInt(batch.lastOffset()) + 1n >= (left.get(batch.partition) ?? 0n)) left.delete(batch.partition)
    if (left.size === 0) resolve()
    return Promise.resolve()
  },
})
await done
process.send?.({ records, distinct: ids.size, inversions, firstMs, lastMs })
process.once('SIGTERM', () => process.exit(0))

/** The number in `{"n":17,`. */
function numberOf(value: Buffer): number {
  let n = 0
  for (let at = 5; value[at]! >= 48 && value[at]! <= 57; at++) n = n * 10 + value[at]! - 48
  return n
}
