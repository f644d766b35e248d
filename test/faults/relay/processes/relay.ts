import { createRelay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import pg from 'pg'

// A relay in a process of its own, that can be frozen. It ends with its parent.
const { url, brokers, topicPrefix, leaseDurationMs } = JSON.parse(process.argv[2] ?? '') as {
  url: string
  brokers: string[]
  topicPrefix: string
  leaseDurationMs: number
}
const database = new pg.Pool({ connectionString: url, max: 2 })
const relay = createRelay({
  databases: [database],
  transport: kafkajs({ brokers }),
  topicPrefix,
  leaseDurationMs,
})
process.once('disconnect', () => process.exit(1))
await relay.start()
process.send?.({ kind: 'started' })
const telling = setInterval(() => process.send?.({ kind: 'health', ...relay.health() }), 50)
process.once('SIGTERM', () => {
  clearInterval(telling)
  void relay.stop().then(() => process.exit(0))
})
