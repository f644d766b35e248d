import { createRelay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { Pool } from 'pg'

// The relay as an application runs it.
const { url, brokers, topicPrefix } = JSON.parse(process.argv[2]!) as {
  url: string
  brokers: string[]
  topicPrefix: string
}
const database = new Pool({ connectionString: url, max: 4 })
const relay = createRelay({ databases: [database], transport: kafkajs({ brokers }), topicPrefix })
process.once('SIGTERM', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMs: (user + system) / 1000 })
  void relay
    .stop()
    .then(() => database.end())
    .then(() => process.disconnect())
})
await relay.start()
process.send?.('started')
