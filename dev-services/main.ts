/**
 * Starts both servers and prints how to use them; they end with Ctrl-C. `npm run services`, then paste the two lines
 * into another terminal: tests, demo and benches there use these servers instead of starting their own.
 */
import { startServices } from './index.ts'

const services = await startServices({ log: (line) => console.error(line) })
console.log(`export DATABASE_URL='${services.postgres.url}'`)
console.log(`export KAFKA_BROKERS='${services.kafka.brokers.join(',')}'`)
console.error('Ctrl-C ends them.')

const held = setInterval(() => {}, 2 ** 30) // servers alone do not keep a run alive
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    clearInterval(held)
    void services.stop()
  })
}
