/** A run that starts its own servers, says where they are in one line, and never ends by itself. */
import { startServices } from '../../../../dev-services/index.ts'

const wanted = process.argv.slice(2)
const services = await startServices({
  own: true,
  postgres: wanted.includes('postgres'),
  kafka: wanted.includes('kafka'),
})
const postgres = wanted.includes('postgres') ? services.postgres : undefined
const kafka = wanted.includes('kafka') ? services.kafka : undefined
console.log(
  JSON.stringify({
    pids: [postgres?.pid(), kafka?.pid()].filter((pid) => pid !== undefined),
    ports: [postgres && Number(new URL(postgres.url).port), Number(kafka?.brokers[0]?.split(':')[1])].filter(
      Boolean,
    ),
  }),
)
setInterval(() => {}, 60_000)
