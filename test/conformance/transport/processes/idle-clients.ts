/**
 * An idle producer and an idle consumer: `idle-clients.ts <brokers> <topic> <driver|stock> <ms>`. Prints the CPU that they took while idle, in
 * percent of one core, and how many timers they set per second. `stock` are kafkajs’s own, as they are without backstitch.
 */
import { setTimeout as pause } from 'node:timers/promises'

let timers = 0
const { setTimeout: original } = globalThis
globalThis.setTimeout = Object.assign((...args: Parameters<typeof original>) => {
  timers += 1
  return original(...args)
}, original)

const [brokers = '', topic = '', kind, ms] = process.argv.slice(2)
if (kind !== 'stock') {
  const { realDrivers } = await import('../real-drivers.ts')
  const transport = realDrivers[kind ?? '']!({ brokers: brokers.split(',') })
  const publisher = transport.publisher()
  await publisher.open()
  await publisher.publish([{ topic, partition: 0, key: null, value: 'v', headers: [] }], {
    deadlineMs: 5_000,
  })
  await transport
    .subscriber({ group: `${topic}-${kind}`, topics: [topic] })
    .run({ onBatch: async () => ({ kind: 'done' }) })
} else {
  const { Kafka, logLevel } = await import('kafkajs')
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, createPartitioner: () => () => 0 })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'v' }] })
  const consumer = kafka.consumer({ groupId: `${topic}-stock`, maxWaitTimeInMs: 500 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachBatch: async () => undefined })
}
await pause(1_500) // joining and compiling
timers = 0
const before = process.cpuUsage()
await pause(Number(ms))
const { user, system } = process.cpuUsage(before)
const seconds = Number(ms) / 1_000
console.log(`idle ${(user + system) / 10_000 / seconds} ${timers / seconds}`)
process.exit(0)
