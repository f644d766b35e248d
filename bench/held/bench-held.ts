import { Client } from 'pg'
import { BenchProcess } from '../bench-process.ts'
import type { BenchSetting, Driver } from '../bench-options.ts'
import { quantile } from '../figure.ts'
import { BenchWorld } from '../relay/bench-world.ts'
import { untilThere } from '../relay/drain.ts'
import { pause } from '../within.ts'

const warmUpMs = 10_000
/** How each measure of the relay went, in the first and the last fifth of the time. */
type Fifths = Record<string, { readonly first: readonly number[]; readonly last: readonly number[] }>

/**
 * One transaction that has written and one old snapshot stay open while writers commit and the relay publishes: does a look at the outbox, the
 * saving of a checkpoint, or the way of a row take longer in the end than at first?
 */
export async function benchHeld({
  url,
  brokers,
  options,
  figures,
  say,
  attempt,
}: BenchSetting): Promise<void> {
  const world = new BenchWorld(url, brokers)
  const { minutes, rate, reader } = options
  try {
    for (const driver of options.drivers)
      await attempt(`held, ${driver}`, async () => {
        const fifths = await measureHeld(world, driver, { rate, seconds: minutes * 60, reader }, say)
        for (const [name, { first, last }] of Object.entries(fifths))
          for (const [quantileName, q] of [
            ['p50', 0.5],
            ['p99', 0.99],
          ] as const) {
            const what = `held, ${driver}: ${name}, ${quantileName}`
            const [before, after] = [quantile(first, q), quantile(last, q)]
            figures.add(`${what}, first fifth`, 'ms', before)
            figures.add(`${what}, last fifth`, 'ms', after)
            figures.add(`${what}, last / first`, 'ratio', after / before)
          }
      })
  } finally {
    await world.close()
  }
}

async function measureHeld(
  world: BenchWorld,
  driver: string,
  { rate, seconds, reader }: { rate: number; seconds: number; reader: Driver },
  say: (line: string) => void,
): Promise<Fifths> {
  const database = await world.emptyDatabase()
  const topicPrefix = await world.newTopic()
  const { brokers } = world
  const target = { url: database.url, brokers, topicPrefix, driver, isMeasured: true }
  const relay = new BenchProcess('relay.ts', target)
  const consumer = new BenchProcess('reader.ts', {
    brokers,
    topic: `${topicPrefix}bench`,
    warmUpMs,
    client: reader,
  })
  const [writing, looking] = await Promise.all([hold(database.url), hold(database.url)])
  let writer: BenchProcess | undefined
  try {
    await relay.message()
    relay.send('begin')
    await relay.message()
    await consumer.message()
    await writing.query(
      `begin; insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
       values ('bench', 'held', 'bench.written', json_build_object('at', extract(epoch from clock_timestamp()) * 1000)::text)`,
    )
    await looking.query('begin isolation level repeatable read; select count(*) from account')
    say(`${seconds} s at ${rate} commits/s beside a transaction and a snapshot that stay open`)
    writer = new BenchProcess('writer.ts', { url: database.url, rate, clients: 8, seconds: seconds + 10 })
    await writer.message()
    const { commits } = await writer.message<{ commits: number }>((seconds + 130) * 1000)
    await untilThere(world, topicPrefix, commits)
    relay.send('tell')
    const measured = await relay.message<Record<string, number[]>>(120_000)
    await writing.query('commit')
    await looking.query('commit')
    await untilThere(world, topicPrefix, commits + 1)
    await pause(500)
    const stopped = consumer.stop()
    const { agesMs } = await consumer.message<{ agesMs: number[] }>(120_000)
    await stopped
    // the row of the transaction that stayed open is the oldest, and tells nothing
    const measures = { ...measured, 'commit to consumer': agesMs.slice(0, -1) }
    return Object.fromEntries(
      Object.entries(measures).map(([name, values]) => {
        const fifth = Math.floor(values.length / 5)
        return [name, { first: values.slice(0, fifth), last: values.slice(values.length - fifth) }]
      }),
    )
  } finally {
    await Promise.all([writer?.stop(), consumer.stop(), relay.stop(), writing.end(), looking.end()])
    await world.drop(database)
  }
}

async function hold(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  return client
}
