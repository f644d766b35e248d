import { randomUUID } from 'node:crypto'
import kafkajs from 'kafkajs'

// Sends one event after the other, `rate` a second in an open loop, and tells at the end when the broker appended each of them, by its clock of whole ms.
const { brokers, topic, rate, seconds } = JSON.parse(process.argv[2]!) as {
  brokers: string[]
  topic: string
  rate: number
  seconds: number
}
process.once('disconnect', () => process.exit(1))
const producer = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).producer()
await producer.connect()
process.send?.('started')
const appendedAtMs: [n: number, atMs: number][] = []
const pad = 'x'.repeat(270)
const beganAtMs = performance.now()
const total = rate * seconds
const sent: Promise<void>[] = []
for (let n = 0; n < total; n++) {
  const wait = beganAtMs + (n / rate) * 1000 - performance.now()
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  sent.push(send(n))
}
await Promise.all(sent)
process.send?.({ appendedAtMs })
process.once('SIGTERM', () => process.exit(0))

async function send(n: number): Promise<void> {
  const [answer] = await producer.send({
    topic,
    messages: [
      {
        key: `key-${(n * 7919) % 10_000}`,
        value: `{"n":${n},"account":${(n * 7919) % 10_000},"pad":"${pad}"}`,
        headers: { id: randomUUID(), type: 'bench.happened', version: '1' },
      },
    ],
  })
  appendedAtMs.push([n, Number(answer?.logAppendTime)])
}
