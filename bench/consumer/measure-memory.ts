import { usageOf } from '../process-usage.ts'
import type { BenchWorld } from '../relay/bench-world.ts'
import { pause } from '../within.ts'
import { consumerDatabase } from './consumer-database.ts'
import type { ConsumingSide } from './consuming-side.ts'

/** Lets a consumer whose handler takes seconds stand before a backlog of so many keys, and tells the most memory that its process had, in MB. */
export async function measureMemory(
  world: BenchWorld,
  side: ConsumingSide,
  topicPrefix: string,
  seconds: number,
): Promise<number> {
  const database = await consumerDatabase(world)
  const group = `memory-${database.name}`
  const { brokers } = world
  const consumer = await side.ready({
    url: database.url,
    brokers,
    topicPrefix,
    group,
    mode: 'slow',
    messages: Number.MAX_SAFE_INTEGER,
  })
  try {
    consumer.send('begin')
    await consumer.message()
    await pause(seconds * 1000)
    return usageOf(consumer.pid).peakMb
  } finally {
    await consumer.stop()
    await world.drop(database)
  }
}
