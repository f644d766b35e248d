import type { BenchSetting } from '../bench-options.ts'
import { debeziumSide } from '../peers/debezium/debezium-side.ts'
import { pause } from '../within.ts'
import { type Backlog, writeBacklog } from './backlog.ts'
import { BenchWorld } from './bench-world.ts'
import { type Drain, measureDrain } from './drain.ts'
import { measureLatency, measureWriters } from './latency.ts'
import { measureLongDrain } from './long-drain.ts'
import { processSide, type Side } from './side.ts'

const rates = [1_000, 5_000]
const writersOfRate = 8
const unthrottledWriters = 16

/** The relay beside others, on one Postgres and one Kafka in one run: drains, latency, writers that are not held back, a kill in a drain. */
export async function benchRelay(setting: BenchSetting): Promise<void> {
  const { url, brokers, options } = setting
  const world = new BenchWorld(url, brokers)
  const own = options.drivers.map((driver) => processSide(`backstitch, ${driver}`, 'relay.ts', { driver }))
  const limits = options.withLimit
    ? [processSide('bare kafkajs', 'bare-relay.ts'), processSide('bare encoder', 'bare-encoder.ts')]
    : []
  const peers = options.withDebezium ? [debeziumSide] : []
  try {
    if (options.sections.includes('latency')) await benchLatency(world, setting, [...own, ...peers])
    if (options.sections.includes('writers')) await benchWriters(world, setting, [...own, ...peers])
    if (options.sections.includes('drain') || options.sections.includes('killed'))
      await setting.attempt('drains', async () => {
        const { rows, rowsPerTransaction, repeat } = options
        setting.say(`writing ${rows} rows of 300 bytes, ${rowsPerTransaction} a transaction`)
        const slots = peers.length === 0 ? 0 : repeat + 1
        const backlog = await writeBacklog(world, { rows, rowsPerTransaction, slots })
        if (options.sections.includes('drain'))
          await benchDrain(world, setting, backlog, [...own, ...limits, ...peers])
        if (options.sections.includes('killed')) await benchKilled(world, setting, backlog, own, peers)
      })
    if (options.longRows > 0) await benchLong(world, setting, own)
  } finally {
    await world.close()
  }
}

async function benchDrain(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  backlog: Backlog,
  sides: readonly Side[],
): Promise<void> {
  for (let round = 1; round <= options.repeat; round++) {
    const drains = new Map<string, Drain>()
    for (const side of sides)
      await attempt(`drain, ${side.name}`, async () => {
        const drain = await measureDrain(world, side, backlog)
        drains.set(side.name, drain)
        say(
          `drain ${round}/${options.repeat}, ${side.name}: ${Math.round(drain.perSecond).toLocaleString('en')}/s`,
        )
        figures.add(`drain, ${side.name}`, 'messages/s', drain.perSecond)
        figures.add(`drain, ${side.name}: CPU of the process`, 'µs/message', drain.cpuMicrosPerMessage)
        figures.add(`drain, ${side.name}: memory at most`, 'MB', drain.peakMb)
      })
    for (const driver of options.drivers)
      for (const other of ['tuned Debezium', driver === 'kafkajs' ? 'bare kafkajs' : 'bare encoder']) {
        const [mine, theirs] = [drains.get(`backstitch, ${driver}`), drains.get(other)]
        if (mine && theirs)
          figures.add(`drain, backstitch, ${driver} / ${other}`, 'ratio', mine.perSecond / theirs.perSecond)
      }
  }
}

async function benchLatency(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  sides: readonly Side[],
): Promise<void> {
  const { seconds, warmUpSeconds, reader } = options
  for (let round = 1; round <= options.repeat; round++)
    for (const rate of rates) {
      const p50 = new Map<string, number>()
      for (const side of sides)
        await attempt(`latency at ${rate}/s, ${side.name}`, async () => {
          const load = { rate, clients: writersOfRate, seconds, warmUpSeconds, reader }
          const latency = await measureLatency(world, side, load)
          p50.set(side.name, latency.p50)
          const what = `latency at ${rate.toLocaleString('en')}/s, ${side.name}`
          say(
            `${what}, ${round}/${options.repeat}: p50 ${latency.p50.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms, ${latency.cores.toFixed(2)} of a core`,
          )
          figures.add(`${what}: p50`, 'ms', latency.p50)
          figures.add(`${what}: p99`, 'ms', latency.p99)
          figures.add(`${what}: CPU of the process`, 'cores', latency.cores)
          figures.add(`${what}: commits in that run`, 'commits/s', latency.commitsPerSecond)
          figures.add(`${what}: published when the writers end`, 'ratio', latency.keptUp)
        })
      for (const driver of options.drivers) {
        const [mine, theirs] = [p50.get(`backstitch, ${driver}`), p50.get('tuned Debezium')]
        if (mine !== undefined && theirs !== undefined)
          figures.add(
            `latency at ${rate.toLocaleString('en')}/s, backstitch, ${driver} / tuned Debezium: p50`,
            'ratio',
            mine / theirs,
          )
      }
    }
}

async function benchWriters(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  sides: readonly Side[],
): Promise<void> {
  const { seconds, warmUpSeconds, reader } = options
  for (let round = 1; round <= options.repeat; round++)
    await attempt('writers', async () => {
      const load = { rate: 0, clients: unthrottledWriters, seconds }
      const alone = await measureWriters(world, load)
      figures.add(`${unthrottledWriters} writers, no relay`, 'commits/s', alone)
      for (const side of sides)
        await attempt(`writers, ${side.name}`, async () => {
          const beside = await measureLatency(world, side, { ...load, warmUpSeconds, reader })
          const what = `${unthrottledWriters} writers, ${side.name}`
          say(
            `${what}, ${round}/${options.repeat}: ${Math.round(beside.commitsPerSecond).toLocaleString('en')} commits/s, ${(beside.keptUp * 100).toFixed(1)} % published at the end`,
          )
          figures.add(what, 'commits/s', beside.commitsPerSecond)
          figures.add(`${what} / no relay`, 'ratio', beside.commitsPerSecond / alone)
          figures.add(`${what}: published when the writers end`, 'ratio', beside.keptUp)
          figures.add(`${what}: the rest after`, 'ms', beside.catchUpMs)
        })
    })
}

async function benchKilled(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  backlog: Backlog,
  own: readonly Side[],
  peers: readonly Side[],
): Promise<void> {
  for (let round = 1; round <= options.repeat; round++)
    // a peer has one slot for it
    for (const side of round === 1 ? [...own, ...peers] : own)
      await attempt(`kill -9 in a drain, ${side.name}`, async () => {
        const { duplicates } = await measureDrain(world, side, backlog, async (relay) => {
          await relay.kill()
          await pause(1_000)
          await relay.revive()
        })
        say(`kill -9 in a drain ${round}/${options.repeat}, ${side.name}: ${duplicates} duplicates`)
        figures.add(`kill -9 in a drain, ${side.name}: duplicates`, 'messages', duplicates)
      })
}

async function benchLong(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  own: readonly Side[],
): Promise<void> {
  for (const side of own)
    await attempt(`long drain, ${side.name}`, async () => {
      const long = await measureLongDrain(world, side, options.longRows, say)
      figures.add(`long drain, ${side.name}: first tenth`, 'messages/s', long.firstTenth)
      figures.add(`long drain, ${side.name}: last tenth`, 'messages/s', long.lastTenth)
      figures.add(`long drain, ${side.name}: last tenth / first`, 'ratio', long.lastTenth / long.firstTenth)
      figures.add(`long drain, ${side.name}: memory at most`, 'MB', long.peakMb)
      figures.add(`long drain, ${side.name}: left in the outbox`, 'MB', long.leftMb)
    })
}
