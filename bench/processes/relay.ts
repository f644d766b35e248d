import { createRelay, type KafkaTransport } from 'backstitch'
import { Pool } from 'pg'
import { measuredDurations } from '../measured-durations.ts'
import { wordToBegin } from '../word-to-begin.ts'

// The relay as an application runs it.
const { url, brokers, topicPrefix, driver, isMeasured } = JSON.parse(process.argv[2]!) as {
  url: string
  brokers: string[]
  topicPrefix: string
  driver: string
  isMeasured?: boolean
}
const drivers = (await import(`backstitch/${driver}`)) as Record<
  string,
  (options: { brokers: string[] }) => KafkaTransport
>
await wordToBegin()
const database = new Pool({ connectionString: url, max: 4 })
const { metrics, durations } = measuredDurations(10_000)
const relay = createRelay({
  databases: [database],
  transport: drivers[driver]!({ brokers }),
  topicPrefix,
  ...(isMeasured === true && { metrics }),
})
// asked for once, at the end
process.once('message', () => process.send?.(durations))
process.once('SIGTERM', () => {
  void relay
    .stop()
    .then(() => database.end())
    .then(() => process.exit(0))
})
await relay.start()
process.send?.('started')
