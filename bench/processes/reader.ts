import kafkajs from 'kafkajs'
import { Consumer, stringDeserializer } from '@platformatic/kafka'

// A plain consumer of one of two clients: notes how old each record is when it arrives, leaves the first seconds out, and tells the ages when asked.
const { brokers, topic, warmUpMs, client } = JSON.parse(process.argv[2]!) as {
  brokers: string[]
  topic: string
  warmUpMs: number
  client: 'kafkajs' | 'platformatic'
}
process.once('disconnect', () => process.exit(0))
const agesMs: number[] = []
let first = 0
const groupId = `bench-${Date.now()}`
if (client === 'kafkajs') await readByKafkajs()
else await readByPlatformatic()
process.once('SIGTERM', () => {
  process.send?.({ agesMs }, () => process.exit(0))
})

function note(value: string, nowMs: number): void {
  first ||= nowMs
  if (nowMs - first > warmUpMs) agesMs.push(nowMs - (JSON.parse(value) as { at: number }).at)
}

async function readByKafkajs(): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 500, minBytes: 1 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  consumer.on('consumer.group_join', () => process.send?.('started'))
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      const nowMs = performance.timeOrigin + performance.now()
      for (const { value } of batch.messages) note(String(value), nowMs)
      return Promise.resolve()
    },
  })
}

async function readByPlatformatic(): Promise<void> {
  const consumer = new Consumer({
    groupId,
    clientId: 'bench-reader',
    bootstrapBrokers: brokers,
    deserializers: { value: stringDeserializer },
    maxWaitTime: 500,
    minBytes: 1,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false })
  stream.on('data', ({ value }) => note(value, performance.timeOrigin + performance.now()))
  process.send?.('started')
}
