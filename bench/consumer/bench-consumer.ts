import kafkajs from 'kafkajs'
import type { BenchSetting } from '../bench-options.ts'
import { BenchWorld } from '../relay/bench-world.ts'
import { assertEffects, consumerDatabase } from './consumer-database.ts'
import { type ConsumerReport, type ConsumingSide, consumingSide, reportOf } from './consuming-side.ts'
import { measureIdle } from './measure-idle.ts'
import { measureMemory } from './measure-memory.ts'
import { topicOfEvents } from './topic-of-events.ts'

const keysOfBacklog = 10_000
const keysInFlight = 100_000
const limitName = 'bare consumer'

/**
 * The consumer beside one that promises nothing, on one Postgres and one Kafka in one run: a backlog in batches and one by one, duplicates alone,
 * the way of one message while there is little to do, memory before a slow handler.
 */
export async function benchConsumer(setting: BenchSetting): Promise<void> {
  const { url, brokers, options } = setting
  const world = new BenchWorld(url, brokers)
  const own = options.drivers.map((driver) =>
    consumingSide(`backstitch, ${driver}`, 'consumer.ts', { driver }),
  )
  const limits = options.withLimit ? [consumingSide(limitName, 'bare-consumer.ts')] : []
  const isWanted = (section: (typeof options.sections)[number]): boolean => options.sections.includes(section)
  try {
    if (isWanted('idle')) await benchIdle(world, setting, own)
    if (isWanted('one') || isWanted('batch') || isWanted('duplicates'))
      await setting.attempt('backlogs', async () => {
        const backlog = async (records: number): Promise<Backlog> => {
          setting.say(`sending ${records} records of 300 bytes`)
          return { records, topicPrefix: await topicOfEvents(world, { records, keys: keysOfBacklog }) }
        }
        if (isWanted('one'))
          await benchBacklog(world, setting, 'one', await backlog(options.rows / 10), [...own, ...limits])
        if (isWanted('batch') || isWanted('duplicates'))
          await benchBacklog(world, setting, 'batch', await backlog(options.rows), [...own, ...limits])
      })
    if (isWanted('memory')) await benchMemory(world, setting, own)
  } finally {
    await world.close()
  }
}

type Backlog = { readonly records: number; readonly topicPrefix: string }

/** Each side drains the same topic into a database of its own; in batches, one that has an inbox then gets all of it once more. */
async function benchBacklog(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  mode: 'batch' | 'one',
  { records, topicPrefix }: Backlog,
  sides: readonly ConsumingSide[],
): Promise<void> {
  for (let round = 1; round <= options.repeat; round++) {
    const rates = new Map<string, number>()
    const note = (what: string, report: ConsumerReport): number => {
      const rate = records / report.seconds
      say(
        `${what}, ${round}/${options.repeat}: ${Math.round(rate).toLocaleString('en')}/s, ${report.cpuMicros.toFixed(1)} µs of CPU each`,
      )
      figures.add(what, 'messages/s', rate)
      figures.add(`${what}: CPU of the process`, 'µs/message', report.cpuMicros)
      figures.add(`${what}: memory at most`, 'MB', report.peakMb)
      return rate
    }
    for (const side of sides)
      await attempt(`consumer ${mode}, ${side.name}`, async () => {
        const database = await consumerDatabase(world)
        const group = `${mode}-${database.name}`
        const task = {
          url: database.url,
          brokers: world.brokers,
          topicPrefix,
          group,
          mode,
          messages: records,
        }
        try {
          rates.set(side.name, note(`consumer ${mode}, ${side.name}`, await reportOf(side, task)))
          await assertEffects(database, records)
          if (mode === 'one' || side.name === limitName || !options.sections.includes('duplicates')) return
          await forget(world, group)
          note(`consumer duplicates, ${side.name}`, await reportOf(side, task))
          await assertEffects(database, records)
        } finally {
          await world.drop(database)
        }
      })
    for (const { name } of sides) {
      const [mine, theirs] = [rates.get(name), rates.get(limitName)]
      if (name !== limitName && mine !== undefined && theirs !== undefined)
        figures.add(`consumer ${mode}, ${name} / ${limitName}`, 'ratio', mine / theirs)
    }
  }
}

/** The group begins at the earliest offset again. */
async function forget(world: BenchWorld, group: string): Promise<void> {
  const admin = new kafkajs.Kafka({
    brokers: [...world.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin()
  await admin.connect()
  try {
    await admin.deleteGroups([group])
  } finally {
    await admin.disconnect()
  }
}

async function benchIdle(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  own: readonly ConsumingSide[],
): Promise<void> {
  for (let round = 1; round <= options.repeat; round++)
    for (const side of own)
      await attempt(`consumer idle, ${side.name}`, async () => {
        const { p50, p99, cores } = await measureIdle(world, side, options)
        const what = `consumer idle, ${side.name}`
        say(`${what}, ${round}/${options.repeat}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`)
        figures.add(`${what}: p50`, 'ms', p50)
        figures.add(`${what}: p99`, 'ms', p99)
        figures.add(`${what}: CPU of the process`, 'cores', cores)
      })
}

async function benchMemory(
  world: BenchWorld,
  { options, figures, say, attempt }: BenchSetting,
  own: readonly ConsumingSide[],
): Promise<void> {
  await attempt('consumer memory', async () => {
    say(`sending ${2 * keysInFlight} records of ${keysInFlight} keys`)
    const topicPrefix = await topicOfEvents(world, { records: 2 * keysInFlight, keys: keysInFlight })
    for (let round = 1; round <= options.repeat; round++)
      for (const side of own)
        await attempt(`consumer memory, ${side.name}`, async () => {
          const peakMb = await measureMemory(world, side, topicPrefix, options.seconds)
          const what = `consumer before a slow handler, ${side.name}: memory at most`
          say(`${what}, ${round}/${options.repeat}: ${Math.round(peakMb)} MB`)
          figures.add(what, 'MB', peakMb)
        })
  })
}
