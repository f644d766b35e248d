import { BenchProcess } from '../bench-process.ts'
import type { Driver } from '../bench-options.ts'
import { quantile } from '../figure.ts'
import { usageOf } from '../process-usage.ts'
import { pause } from '../within.ts'
import { untilThere } from './drain.ts'
import type { BenchWorld } from './bench-world.ts'
import type { Side } from './side.ts'

/** How writers and a relay went side by side. */
export type Latency = {
  readonly p50: number
  readonly p99: number
  readonly commitsPerSecond: number
  /** Of the relay’s process, while the writers were at work. */
  readonly cores: number
  /** How much of what was committed was on the topic when the writers ended. */
  readonly keptUp: number
  readonly catchUpMs: number
}

/**
 * Relay, writers and a consumer in processes of their own. A row’s age is counted from its insert just before the commit until the consumer has
 * it; the first seconds are left out, in which a JVM warms up.
 * @param load `rate` 0: as fast as they can, one transaction after the other
 */
export async function measureLatency(
  world: BenchWorld,
  side: Side,
  load: { rate: number; clients: number; seconds: number; warmUpSeconds: number; reader: Driver },
): Promise<Latency> {
  const { warmUpSeconds, seconds } = load
  const database = await world.emptyDatabase()
  const slot = side.needsSlot ? await world.addSlot(database) : undefined
  const topicPrefix = await world.newTopic()
  const { brokers } = world
  const topic = `${topicPrefix}bench`
  const relay = await side.ready({ url: database.url, brokers, topicPrefix, slot, purpose: 'latency' })
  const reader = new BenchProcess('reader.ts', {
    brokers,
    topic,
    warmUpMs: warmUpSeconds * 1000,
    client: load.reader,
  })
  let writer: BenchProcess | undefined
  try {
    await relay.begin()
    await reader.message()
    writer = new BenchProcess('writer.ts', { ...load, url: database.url, seconds: warmUpSeconds + seconds })
    await writer.message()
    await pause(warmUpSeconds * 1000)
    const before = usageOf(relay.pid())
    const { commits, seconds: taken } = await writer.message<{ commits: number; seconds: number }>(
      (seconds + 120) * 1000,
    )
    const endedAtMs = performance.now()
    const after = usageOf(relay.pid())
    const published = (await world.recordsOf(topicPrefix)) ?? 0
    await untilThere(world, topicPrefix, commits)
    const catchUpMs = performance.now() - endedAtMs
    await pause(500)
    const stopped = reader.stop()
    const { agesMs } = await reader.message<{ agesMs: number[] }>()
    await stopped
    return {
      p50: quantile(agesMs, 0.5),
      p99: quantile(agesMs, 0.99),
      commitsPerSecond: commits / taken,
      cores: (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs),
      keptUp: Math.min(1, published / commits),
      catchUpMs,
    }
  } finally {
    await Promise.all([writer?.stop(), reader.stop(), relay.stop()])
    await world.drop(database)
  }
}

/** What the same writers reach while no relay runs. */
export async function measureWriters(
  world: BenchWorld,
  load: { rate: number; clients: number; seconds: number },
): Promise<number> {
  const database = await world.emptyDatabase()
  const writer = new BenchProcess('writer.ts', { ...load, url: database.url })
  try {
    await writer.message()
    const { commits, seconds } = await writer.message<{ commits: number; seconds: number }>(
      (load.seconds + 60) * 1000,
    )
    return commits / seconds
  } finally {
    await writer.stop()
    await world.drop(database)
  }
}
