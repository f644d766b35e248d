import { BenchProcess } from '../bench-process.ts'
import { usageOf } from '../process-usage.ts'
import { pause } from '../within.ts'
import type { Backlog } from './backlog.ts'
import type { BenchWorld } from './bench-world.ts'
import type { ReadyRelay, Side } from './side.ts'

/** What a reader finds on a topic: by its ids and by the broker’s clock. */
type TopicCount = {
  readonly records: number
  readonly distinct: number
  /** First deliveries that came after a later one of their key. */
  readonly inversions: number
  readonly firstMs: number
  readonly lastMs: number
}

/** How a drain went. */
export type Drain = {
  readonly perSecond: number
  readonly duplicates: number
  readonly cpuMicrosPerMessage: number
  readonly peakMb: number
}

const stallMsMax = 90_000

/**
 * Lets one side publish a backlog on which it has not worked yet, and counts what is on the topic then. The rate is that from the first
 * record to the last by the broker’s clock: neither side’s start counts.
 * @param disturb done once two fifths are there
 * @throws Error when it stalls, loses a row or turns two of a key round
 */
export async function measureDrain(
  world: BenchWorld,
  side: Side,
  backlog: Backlog,
  disturb?: (relay: ReadyRelay) => Promise<void>,
): Promise<Drain> {
  const slot = side.needsSlot ? backlog.slots.shift() : undefined
  if (side.needsSlot && slot === undefined) throw new Error('no slot is left')
  const database = side.needsSlot ? backlog.database : await world.copyOf(backlog.database)
  const topicPrefix = await world.newTopic()
  const relay = await side.ready({
    url: database.url,
    brokers: world.brokers,
    topicPrefix,
    slot,
    purpose: 'drain',
  })
  try {
    const before = usageOf(relay.pid())
    await relay.begin()
    if (disturb !== undefined) {
      await untilThere(world, topicPrefix, backlog.rows * 0.4)
      await disturb(relay)
    }
    await untilThere(world, topicPrefix, backlog.rows)
    const after = usageOf(relay.pid())
    if (disturb !== undefined) await untilQuiet(world, topicPrefix)
    await relay.stop()
    const { records, distinct, inversions, firstMs, lastMs } = await countTopic(world, topicPrefix)
    if (distinct < backlog.rows) throw new Error(`${side.name}: ${backlog.rows - distinct} rows are lost`)
    if (inversions > 0) throw new Error(`${side.name}: ${inversions} rows out of order`)
    return {
      perSecond: (records * 1000) / (lastMs - firstMs),
      duplicates: records - distinct,
      cpuMicrosPerMessage: ((after.cpuMs - before.cpuMs) * 1000) / records,
      peakMb: after.peakMb,
    }
  } finally {
    await relay.stop()
    if (database !== backlog.database) await world.drop(database)
  }
}

/** Reads a topic whole, in a process of its own. */
async function countTopic(world: BenchWorld, topicPrefix: string): Promise<TopicCount> {
  const counter = new BenchProcess('counter.ts', { brokers: world.brokers, topic: `${topicPrefix}bench` })
  try {
    return await counter.message<TopicCount>(300_000)
  } finally {
    await counter.stop()
  }
}

/** Waits until so many records are there. @throws Error when none comes for long */
export async function untilThere(world: BenchWorld, topicPrefix: string, rows: number): Promise<void> {
  let most = 0
  let grewAtMs = performance.now()
  for (;;) {
    const count = (await world.recordsOf(topicPrefix)) ?? 0
    if (count >= rows) return
    if (count > most) {
      most = count
      grewAtMs = performance.now()
    }
    if (performance.now() - grewAtMs > stallMsMax)
      throw new Error(`stalls at ${most} of ${Math.ceil(rows)} records`)
    await pause(100)
  }
}

async function untilQuiet(world: BenchWorld, topicPrefix: string): Promise<void> {
  for (let last = -1; ; ) {
    const count = (await world.recordsOf(topicPrefix)) ?? 0
    if (count === last) return
    last = count
    await pause(5_000)
  }
}
