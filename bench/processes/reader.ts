import kafkajs from 'kafkajs'

// A plain consumer: notes how old each record is when it arrives, leaves the first seconds out, and tells the ages when asked.
const { brokers, topic, warmUpMs } = JSON.parse(process.argv[2]!) as {
  brokers: string[]
  topic: string
  warmUpMs: number
}
process.once('disconnect', () => process.exit(0))
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
const consumer = kafka.consumer({ groupId: `bench-${Date.now()}`, maxWaitTimeInMs: 500, minBytes: 1 })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
const agesMs: number[] = []
let first = 0
consumer.on('consumer.group_join', () => process.send?.('started'))
await consumer.run({
  autoCommit: false,
  eachBatch: ({ batch }) => {
    const now = performance.timeOrigin + performance.now()
    first ||= now
    for (const { value } of batch.messages)
      if (now - first > warmUpMs) agesMs.push(now - (JSON.parse(String(value)) as { at: number }).at)
    return Promise.resolve()
  },
})
process.once('SIGTERM', () => {
  process.send?.({ agesMs })
  void consumer.disconnect().then(() => process.exit(0))
})
