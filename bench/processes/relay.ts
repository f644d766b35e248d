import { createRelay, type KafkaTransport } from 'backstitch'
import { Pool } from 'pg'
import { wordToBegin } from '../word-to-begin.ts'

// The relay as an application runs it.
const { url, brokers, topicPrefix, driver } = JSON.parse(process.argv[2]!) as {
  url: string
  brokers: string[]
  topicPrefix: string
  driver: string
}
const drivers = (await import(`backstitch/${driver}`)) as Record<
  string,
  (options: { brokers: string[] }) => KafkaTransport
>
await wordToBegin()
const database = new Pool({ connectionString: url, max: 4 })
const relay = createRelay({ databases: [database], transport: drivers[driver]!({ brokers }), topicPrefix })
process.once('SIGTERM', () => {
  void relay
    .stop()
    .then(() => database.end())
    .then(() => process.exit(0))
})
await relay.start()
process.send?.('started')
