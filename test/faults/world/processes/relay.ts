import { createRelay, type KafkaTransport } from 'backstitch'
import pg from 'pg'
import type { RelaySettings } from '../relay-process.ts'

// A relay in a process of its own, that can be frozen and killed. It ends with its parent. DRIVER names another driver than kafkajs.
const settings = JSON.parse(process.argv[2] ?? '') as RelaySettings
const { url, brokers, topicPrefix, leaseDurationMs } = settings
const driver = settings.driver ?? process.env['DRIVER'] ?? 'kafkajs'
const drivers = (await import(`backstitch/${driver}`)) as Record<
  string,
  (options: { brokers: readonly string[] }) => KafkaTransport
>
const transport = drivers[driver]?.({ brokers })
if (transport === undefined) throw new Error(`there is no driver ${driver}`)
const database = new pg.Pool({ connectionString: url, max: 2 })
database.on('error', () => undefined)
const relay = createRelay({ databases: [database], transport, topicPrefix, leaseDurationMs })
process.once('disconnect', () => process.exit(1))
const tell = (heapMb: number): void =>
  void process.send?.({ ...relay.health(), heapMb, handles: process.getActiveResourcesInfo().length })
let heapMb = 0
const measuring = setInterval(() => {
  globalThis.gc?.()
  heapMb = process.memoryUsage().heapUsed / 2 ** 20
}, 2_000)
const telling = setInterval(() => tell(heapMb), 50)
process.once('SIGTERM', () => {
  clearInterval(telling)
  clearInterval(measuring)
  void relay.stop().then(() => process.exit(0))
})
// a server that is not there yet is no reason to give up
for (;;) {
  try {
    await relay.start()
    break
  } catch (error) {
    process.stderr.write(`the relay could not start: ${String(error)}\n`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
