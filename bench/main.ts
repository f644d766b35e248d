import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startServices } from '../dev-services/index.ts'
import { missedFloors } from './floors.ts'
import { benchRelay } from './relay/bench-relay.ts'
import { type Figure, printFigures } from './figure.ts'

// npm run bench -- <name> [--repeat 3] [--json FILE] [--check]
const benches = { relay: benchRelay }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repeat: { type: 'string', default: '3' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})
const name = positionals[0] as keyof typeof benches
const repeat = Number(values.repeat)
if (!Object.hasOwn(benches, name ?? '') || !Number.isInteger(repeat) || repeat < 1) {
  console.error(
    `usage: npm run bench -- ${Object.keys(benches).join(' | ')} [--repeat 3] [--json FILE] [--check]`,
  )
  process.exit(2)
}

const say = (line: string): void => console.log(`• ${line}`)
const servers = await startServices({ postgres: true, kafka: { profile: 'throughput' }, log: say })
let figures: Figure[]
try {
  figures = await benches[name]({ url: servers.postgres.url, brokers: servers.kafka.brokers, repeat, say })
} finally {
  await servers.stop()
}
printFigures(figures)
if (values.json)
  writeFileSync(values.json, `${JSON.stringify({ bench: name, node: process.version, figures }, null, 2)}\n`)
if (values.check) {
  const missed = missedFloors(figures)
  for (const line of missed) console.error(`✘ ${line}`)
  if (missed.length > 0) process.exitCode = 1
  else console.log('✔ all floors are met')
}
