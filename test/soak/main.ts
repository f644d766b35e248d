import { parseArgs } from 'node:util'
import { startServices } from '../../dev-services/index.ts'
import { FaultStage } from '../faults/world/fault-stage.ts'
import { pause, until } from '../faults/world/until.ts'
import { type Allowance, coursesOf, type Sample } from './samples.ts'
import { faultsOf } from './faults.ts'

// npm run soak -- [--minutes 20] [--rate 500] [--fault-every 15] [--driver kafkajs] [--shards 1] [--seed N]
//
// Writers and two relays for a long time, with a fault every now and then; then: is everything on the topic, once at least and in order, and has
// anything grown that should not?
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    rate: { type: 'string', default: '500' },
    'fault-every': { type: 'string', default: '15' },
    driver: { type: 'string', default: 'kafkajs' },
    shards: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
})
const minutes = Number(values.minutes)
const perSecond = Number(values.rate)
const faultEveryMs = Number(values['fault-every']) * 1_000
let seed = Number(values.seed) >>> 0
if (![minutes, perSecond, faultEveryMs].every((it) => it > 0)) {
  console.error(
    'usage: npm run soak -- [--minutes 20] [--rate 500] [--fault-every 15] [--driver kafkajs] [--shards 1] [--seed N]',
  )
  process.exit(2)
}

const leaseDurationMs = 3_000
const sampleEveryMs = 2_000
const restMs = 4_000
const warmUpShare = 0.15
/** The outbox is a saw: its leaves are emptied one at a time. */
const allowances: Record<string, Allowance> = {
  heap: { unit: 'MB', share: 0.15, amount: 4 },
  handles: { unit: '', share: 0, amount: 4 },
  sessions: { unit: '', share: 0, amount: 2 },
  outbox: { unit: 'MB', share: 0.2, amount: 150 },
  'side tables': { unit: 'MB', share: 0.2, amount: 4 },
}

const begunAtMs = performance.now()
const say = (line: string): void =>
  console.log(`• ${String(Math.round((performance.now() - begunAtMs) / 1000)).padStart(5)} s  ${line}`)
say(`seed ${seed}`)
const services = await startServices({ own: true, log: say })
const stage = await FaultStage.open(services, {
  leaseDurationMs,
  driver: values.driver,
  shards: Number(values.shards),
})
const steady = stage.startRelay()
await until('the relay works', () => steady.state === 'running', 60_000)
const faults = faultsOf(services, stage, steady, leaseDurationMs)
const writers = stage.startWriters('soak', { keys: 20, perSecond })

const endsAtMs = performance.now() + minutes * 60_000
const warmAtMs = performance.now() + minutes * 60_000 * warmUpShare
const samples: Sample[] = []
const struck = new Map<string, number>()
let faultAtMs = performance.now() + faultEveryMs
let quietSinceMs = 0
while (performance.now() < endsAtMs) {
  await pause(sampleEveryMs)
  const nowMs = performance.now()
  if (nowMs >= faultAtMs) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    const fault = faults[(seed >>> 8) % faults.length]
    say(`${fault?.name} (${writers.committed.length} commits, ${Math.round(steady.report.heapMb)} MB)`)
    await fault?.strike()
    struck.set(fault?.name ?? '', (struck.get(fault?.name ?? '') ?? 0) + 1)
    faultAtMs = performance.now() + faultEveryMs
    quietSinceMs = performance.now()
  } else if (nowMs > warmAtMs && nowMs - quietSinceMs > restMs) {
    const measured = await stage.measure().catch(() => undefined)
    if (measured !== undefined)
      samples.push({
        heap: steady.report.heapMb,
        handles: steady.report.handles,
        sessions: measured.sessions,
        outbox: measured.outboxMb,
        'side tables': measured.sideMb,
      })
  }
}

say('the writers stop; what is on the topic?')
const broken = await stage.brokenPromises({ drainedWithinMs: 120_000 })
const delivered = await stage.delivered()
await stage.close()
await services.stop()

const courses = coursesOf(samples, allowances)
console.log(
  `\n${writers.committed.length} commits answered, ${delivered} records, ${samples.length} samples; ${[...struck].map(([name, count]) => `${name} ${count}×`).join(', ')}\n`,
)
console.log(
  `${''.padEnd(14)}${'first third'.padStart(12)}${'last third'.padStart(12)}${'at most'.padStart(12)}`,
)
for (const { name, unit, first, last, atMost, isFlat } of courses)
  console.log(
    `${isFlat ? '✔' : '✘'} ${name.padEnd(12)}${first.toFixed(1).padStart(12)}${last.toFixed(1).padStart(12)}${atMost.toFixed(1).padStart(12)}  ${unit}`,
  )
for (const what of broken) console.log(`✘ ${what}`)
if (broken.length > 0 || courses.some(({ isFlat }) => !isFlat)) process.exitCode = 1
else console.log('✔ nothing is lost, invented or turned round, and nothing grows')
