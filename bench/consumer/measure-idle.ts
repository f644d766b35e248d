import { BenchProcess } from '../bench-process.ts'
import { quantile } from '../figure.ts'
import { usageOf } from '../process-usage.ts'
import type { BenchWorld } from '../relay/bench-world.ts'
import { pause } from '../within.ts'
import { consumerDatabase } from './consumer-database.ts'
import type { ConsumingSide } from './consuming-side.ts'

/** How long a message takes from the broker’s append to the commit of its effect, while there is little to do. */
export type IdleLatency = { readonly p50: number; readonly p99: number; readonly cores: number }

const rate = 50

/** Sends 50 events a second, one by one. The broker’s clock has whole milliseconds, so that an age is too high by half of one on average. */
export async function measureIdle(
  world: BenchWorld,
  side: ConsumingSide,
  { seconds, warmUpSeconds }: { seconds: number; warmUpSeconds: number },
): Promise<IdleLatency> {
  const database = await consumerDatabase(world)
  const topicPrefix = await world.newTopic()
  const { brokers } = world
  const messages = rate * (seconds + warmUpSeconds)
  const consumer = await side.ready({
    url: database.url,
    brokers,
    topicPrefix,
    group: `idle-${topicPrefix}`,
    mode: 'one',
    messages,
  })
  let source: BenchProcess | undefined
  try {
    consumer.send('begin')
    await consumer.message()
    source = new BenchProcess('event-source.ts', {
      brokers,
      topic: `${topicPrefix}bench`,
      rate,
      seconds: seconds + warmUpSeconds,
    })
    await source.message()
    await pause(warmUpSeconds * 1000)
    const before = usageOf(consumer.pid)
    const { appendedAtMs } = await source.message<{ appendedAtMs: [number, number][] }>((seconds + 60) * 1000)
    const after = usageOf(consumer.pid)
    await consumer.message(60_000) // its report: all are there
    consumer.send('times')
    const { committedAtMs } = await consumer.message<{ committedAtMs: [number, number][] }>()
    const committed = new Map(committedAtMs)
    const agesMs = appendedAtMs
      .filter(([n]) => n >= rate * warmUpSeconds)
      .map(([n, atMs]) => (committed.get(n) ?? Number.NaN) - atMs)
    if (agesMs.some((age) => Number.isNaN(age))) throw new Error('an event has no time of its commit')
    return {
      p50: quantile(agesMs, 0.5),
      p99: quantile(agesMs, 0.99),
      cores: (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs),
    }
  } finally {
    await Promise.all([source?.stop(), consumer.stop()])
    await world.drop(database)
  }
}
