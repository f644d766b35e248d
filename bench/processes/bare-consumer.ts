import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'
import { BareInbox } from '../peers/limit/bare-inbox.ts'
import { wordToBegin } from '../word-to-begin.ts'

// A consumer that promises nothing: no claim of a message’s own id, no order of a key, no retry, no generation, nothing read of the message. Its ids
// are drawn, so that nothing is a duplicate. What it reaches is the limit.
const { url, brokers, topicPrefix, group, mode, messages } = JSON.parse(process.argv[2]!) as {
  url: string
  brokers: string[]
  topicPrefix: string
  group: string
  mode: 'batch' | 'one'
  messages: number
}
const batchSize = 500
const messagesAtATime = 64
await wordToBegin()
const inbox = await BareInbox.open(url, mode === 'batch' ? 6 : 12)
const consumer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).consumer({
  groupId: group,
  maxBytesPerPartition: 262_144,
})
await consumer.connect()
await consumer.subscribe({ topics: [`${topicPrefix}bench`], fromBeginning: true })

let done = 0
let beganAtMs = 0
let cpu = process.cpuUsage()
let keys = 0
const effect = () => ({ id: randomUUID(), account: (keys++ * 7919) % 10_000 })

async function apply(count: number): Promise<void> {
  if (mode === 'batch') await inbox.applyMany(Array.from({ length: count }, effect))
  else await Promise.all(Array.from({ length: count }, () => inbox.applyOne(effect())))
  done += count
  if (done < messages || done - count >= messages) return
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({
    seconds: (performance.now() - beganAtMs) / 1000,
    cpuMicros: (user + system) / done,
    peakMb: process.resourceUsage().maxRSS / 1024,
  })
}

process.once('SIGTERM', () => process.exit(0))
process.send?.('started')
await consumer.run({
  autoCommit: false,
  partitionsConsumedConcurrently: 6,
  eachBatch: async (payload) => {
    const { batch } = payload
    if (beganAtMs === 0) {
      beganAtMs = performance.now()
      cpu = process.cpuUsage()
    }
    const size = mode === 'batch' ? batchSize : messagesAtATime
    for (let from = 0; from < batch.messages.length && done < messages; from += size) {
      await apply(Math.min(size, batch.messages.length - from))
      await payload.heartbeat()
    }
    await consumer.commitOffsets([
      {
        topic: batch.topic,
        partition: batch.partition,
        offset: String(BigInt(batch.lastOffset()) + 1n),
      },
    ])
  },
})
