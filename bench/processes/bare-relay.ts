import { partitionOf } from 'backstitch/testing'
import kafkajs from 'kafkajs'
import { Client } from 'pg'
import { wordToBegin } from '../word-to-begin.ts'

// A relay that promises nothing: no lease, no checkpoint, no quarantine, no retry. It reads the backlog by `seq`, the next page while this one is
// published, and publishes it with as many idempotent producers as the real one. What it reaches is the limit.
const { url, brokers, topicPrefix } = JSON.parse(process.argv[2]!) as {
  url: string
  brokers: string[]
  topicPrefix: string
}
await wordToBegin()
const lanes = 2
const pageSize = 2_000
const client = new Client({
  connectionString: url,
  types: { getTypeParser: () => (value: string) => value },
})
await client.connect()
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
const admin = kafka.admin()
await admin.connect()
const topic = `${topicPrefix}bench`
const partitions = (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.length
await admin.disconnect()
const createPartitioner = () => (args: { message: { partition?: number } }) => args.message.partition ?? 0
const producers = Array.from({ length: lanes }, () =>
  kafka.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner }),
)
await Promise.all(producers.map((producer) => producer.connect()))

const read = async (after: string): Promise<string[][]> =>
  (
    await client.query<string[]>({
      name: 'page',
      text: `select seq, id, aggregateid, type, payload, version, date_part('epoch', created_at) from backstitch.outbox where seq > $1 order by seq limit ${pageSize}`,
      values: [after],
      rowMode: 'array',
    })
  ).rows

process.once('SIGTERM', () => process.exit(0))
process.send?.('started')
let page = read('0')
for (;;) {
  const rows = await page
  const last = rows.at(-1)
  if (!last) break
  page = read(last[0]!)
  const messages: { key: string; value: string; partition: number; headers: Record<string, string> }[][] = [
    [],
    [],
  ]
  for (const [, id, key, type, payload, version, createdAt] of rows) {
    const partition = partitionOf(key!, partitions)
    messages[partition % lanes]!.push({
      key: key!,
      value: payload!,
      partition,
      headers: { id: id!, type: type!, version: version!, 'created-at': createdAt! },
    })
  }
  await Promise.all(
    messages.map((lane, n) =>
      producers[n]!.sendBatch({ acks: -1, topicMessages: [{ topic, messages: lane }] }),
    ),
  )
}
