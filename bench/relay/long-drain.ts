import { usageOf } from '../process-usage.ts'
import { pause } from '../within.ts'
import { writeBacklog } from './backlog.ts'
import { type BenchWorld, onServer } from './bench-world.ts'
import type { Side } from './side.ts'

/** How a very long drain went. */
export type LongDrain = {
  readonly firstTenth: number
  readonly lastTenth: number
  readonly peakMb: number
  /** What is left in the outbox and its indexes soon after. */
  readonly leftMb: number
}

const stallMsMax = 120_000
const emptiedWithinMs = 60_000

/** Millions of rows that were written while no relay ran, one after the other: is the last tenth as fast as the first, and is the table empty again? */
export async function measureLongDrain(
  world: BenchWorld,
  side: Side,
  rows: number,
  say: (line: string) => void,
): Promise<LongDrain> {
  say(`writing ${rows} rows`)
  const { database } = await writeBacklog(world, { rows, rowsPerTransaction: 20_000, slots: 0 })
  const topicPrefix = await world.newTopic()
  const relay = await side.ready({
    url: database.url,
    brokers: world.brokers,
    topicPrefix,
    purpose: 'drain',
  })
  try {
    const times: { count: number; atMs: number }[] = []
    await relay.begin()
    let toldTenths = 0
    while ((times.at(-1)?.count ?? 0) < rows) {
      const count = (await world.recordsOf(topicPrefix)) ?? 0
      const atMs = performance.now()
      if (count > (times.at(-1)?.count ?? 0)) times.push({ count, atMs })
      if (atMs - (times.at(-1)?.atMs ?? atMs) > stallMsMax) throw new Error(`stalls at ${count} records`)
      const tenths = Math.floor((count * 10) / rows)
      if (tenths > toldTenths)
        say(`${tenths} tenths are there, ${Math.round(usageOf(relay.pid()).peakMb)} MB at most`)
      toldTenths = tenths
      await pause(50)
    }
    const timeAt = (count: number): number => {
      const n = times.findIndex((it) => it.count >= count)
      const [before, after] = [times[Math.max(0, n - 1)]!, times[n]!]
      if (after.count === before.count) return after.atMs
      return (
        before.atMs + ((count - before.count) / (after.count - before.count)) * (after.atMs - before.atMs)
      )
    }
    const rate = (from: number, to: number): number => ((to - from) * 1000) / (timeAt(to) - timeAt(from))
    // the very first records are those of a relay that is not yet at its pace
    const lead = rows / 100
    const { peakMb } = usageOf(relay.pid())
    return {
      firstTenth: rate(lead, rows / 10 + lead),
      lastTenth: rate(rows - rows / 10, rows),
      peakMb,
      leftMb: await leftAfterwards(database.url),
    }
  } finally {
    await relay.stop()
    await world.drop(database)
  }
}

async function leftAfterwards(url: string): Promise<number> {
  const size = (): Promise<number> =>
    onServer(url, async (client) => {
      const { rows } = await client.query<{ bytes: string }>(
        `select coalesce(sum(pg_total_relation_size(relid)), 0) as bytes from pg_partition_tree('backstitch.outbox') where isleaf`,
      )
      return Number(rows[0]?.bytes) / 2 ** 20
    })
  const deadline = performance.now() + emptiedWithinMs
  let smallest = await size()
  while (performance.now() < deadline) {
    await pause(2_000)
    const now = await size()
    if (now < smallest) smallest = now
    else if (now < 100) break
  }
  return smallest
}
