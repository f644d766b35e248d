import { writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { startServices } from '../dev-services/index.ts'
import { type BenchOptions, type Driver, isSection, sections } from './bench-options.ts'
import { benchConsumer } from './consumer/bench-consumer.ts'
import { benchHeld } from './held/bench-held.ts'
import { Figures, printFigures } from './figure.ts'
import { missedFloors } from './floors.ts'
import { benchRelay } from './relay/bench-relay.ts'
import { benchWriter } from './writer/bench-writer.ts'

// see usage
const benches = { relay: benchRelay, held: benchHeld, writer: benchWriter, consumer: benchConsumer }
const usage = `usage: npm run bench -- ${Object.keys(benches).join(' | ')} [options]

  --repeat 3            rounds; the table shows their medians
  --rounds 24           of the writer: how often each variant takes its turn
  --rows 500000         rows of the backlog that is drained; of the consumer one by one a tenth of them
  --per-transaction 1   rows that one transaction of the backlog wrote
  --seconds 15          of each latency run, after --warm-up 10
  --driver kafkajs      of the relay or consumer; may be given more than once
  --reader platformatic the client of the consumer that latency is measured at
  --peer debezium       the same with a tuned Debezium (downloaded with Maven at first use)
  --limit               the same with relays or consumers that promise nothing
  --only drain          some parts only, of ${sections.join(', ')}; may be given more than once
  --long                10 million rows as well (--long-rows), once
  --minutes 1           held: how long a transaction and a snapshot stay open, at --rate 2000 commits/s
  --json FILE           writes the figures there, after each part
  --check               fails where a figure misses its floor in bench/floors.json`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repeat: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '24' },
    rows: { type: 'string', default: '500000' },
    'per-transaction': { type: 'string', default: '1' },
    seconds: { type: 'string', default: '15' },
    'warm-up': { type: 'string', default: '10' },
    driver: { type: 'string', multiple: true, default: ['kafkajs'] },
    reader: { type: 'string', default: 'platformatic' },
    peer: { type: 'string' },
    limit: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    long: { type: 'boolean', default: false },
    'long-rows': { type: 'string', default: '10000000' },
    minutes: { type: 'string', default: '1' },
    rate: { type: 'string', default: '2000' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})

/** @throws never: ends with the usage where an option is wrong */
function readOptions(): BenchOptions {
  const count = (text: string): number => {
    const value = Number(text)
    return Number.isInteger(value) && value >= 1 ? value : refuse()
  }
  const only = values.only ?? [...sections]
  const isDriver = (it: string): it is Driver => it === 'kafkajs' || it === 'platformatic'
  const { driver: drivers, reader } = values
  if (!only.every(isSection) || !drivers.every(isDriver) || !isDriver(reader)) return refuse()
  if (values.peer !== undefined && values.peer !== 'debezium') return refuse()
  return {
    repeat: count(values.repeat),
    rounds: count(values.rounds),
    rows: count(values.rows),
    rowsPerTransaction: count(values['per-transaction']),
    seconds: count(values.seconds),
    warmUpSeconds: count(values['warm-up']),
    drivers,
    reader,
    withDebezium: values.peer === 'debezium',
    withLimit: values.limit,
    sections: only.filter(isSection),
    minutes: count(values.minutes),
    rate: count(values.rate),
    longRows: values.long ? count(values['long-rows']) : 0,
  }
}

function refuse(): never {
  console.error(usage)
  process.exit(2)
}

const name = positionals[0] as keyof typeof benches
if (!Object.hasOwn(benches, name ?? '')) refuse()
const options = readOptions()

const begunAtMs = performance.now()
const say = (line: string): void =>
  console.log(`• ${String(Math.round((performance.now() - begunAtMs) / 1000)).padStart(5)} s  ${line}`)
const load = loadavg()[0] ?? 0
if (load > 0.5)
  say(
    `others are at work on this machine (load ${load.toFixed(1)}): expect figures that are worse, and uneven`,
  )
const servers = await startServices({
  postgres: { parameters: { shared_buffers: '1GB', max_wal_size: '8GB' } },
  ...(name !== 'writer' && { kafka: { profile: 'throughput', heapMb: 1_024 } }),
  log: say,
})
const figures = new Figures()
const failures: string[] = []
const save = (): void => {
  if (values.json === undefined) return
  const run = { bench: name, node: process.version, cores: availableParallelism(), options }
  writeFileSync(values.json, `${JSON.stringify({ ...run, failures, figures: figures.all }, null, 2)}\n`)
}
try {
  await benches[name]({
    url: servers.postgres.url,
    brokers: name === 'writer' ? [] : servers.kafka.brokers,
    options,
    figures,
    say,
    attempt: async (what, work) => {
      try {
        await work()
      } catch (error) {
        failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
        say(`✘ ${failures.at(-1)}`)
      }
      save()
    },
  })
} finally {
  await servers.stop()
}
printFigures(figures.all)
for (const failure of failures) console.error(`✘ ${failure}`)
if (failures.length > 0) process.exitCode = 1
if (values.check) {
  const missed = missedFloors(figures.all)
  for (const line of missed) console.error(`✘ ${line}`)
  if (missed.length > 0) process.exitCode = 1
  else console.log('✔ all floors are met')
}
