import { kafkajs } from 'backstitch/kafkajs'
import { migrate } from 'backstitch/postgres'
import { Pool } from 'pg'
import type { Figure } from '../figure.ts'
import { measureDrain } from './drain.ts'
import { measureLatency } from './latency.ts'

/** What a bench is given. */
export type BenchSetting = {
  readonly url: string
  readonly brokers: readonly string[]
  readonly repeat: number
  readonly say: (line: string) => void
}

const rows = 500_000
const rate = 1_000
const seconds = 12

/** The relay: how fast it drains a backlog, beside the bare limit in the same run, and how soon a commit reaches a consumer. */
export async function benchRelay({ url, brokers, repeat, say }: BenchSetting): Promise<Figure[]> {
  const pool = new Pool({ connectionString: url, max: 2 })
  const admin = kafkajs({ brokers }).admin()
  const run = Date.now().toString(36)
  let topics = 0
  const newTopic = async (): Promise<string> => {
    const topicPrefix = `bench.${run}.${topics++}.`
    await admin.createTopics([{ topic: `${topicPrefix}bench`, partitions: 6 }])
    return topicPrefix
  }
  try {
    await pool.query('drop schema if exists backstitch cascade')
    await migrate({ database: pool, parts: ['outbox'] })

    const latency: Awaited<ReturnType<typeof measureLatency>>[] = []
    await pool.query(
      `drop table if exists account; create table account (id integer primary key, n bigint) with (fillfactor = 50);
       insert into account select g, 0 from generate_series(0, 9999) as g; analyze account`,
    )
    for (let n = 1; n <= repeat; n++) {
      say(`latency at ${rate} commits/s, ${seconds} s, run ${n} of ${repeat}`)
      latency.push(await measureLatency({ url, brokers, rate, seconds, topicPrefix: await newTopic(), pool }))
    }

    say(`writing ${rows} rows of 300 bytes`)
    await fill(pool)
    const drain: number[] = []
    const bare: number[] = []
    const cpu: number[] = []
    const bareCpu: number[] = []
    for (let n = 1; n <= repeat; n++) {
      say(`drain, run ${n} of ${repeat}`)
      await pool.query('truncate backstitch.outbox_checkpoint')
      const ours = await measureDrain({
        url,
        brokers,
        admin,
        rows,
        topicPrefix: await newTopic(),
        script: 'relay.ts',
      })
      const limit = await measureDrain({
        url,
        brokers,
        admin,
        rows,
        topicPrefix: await newTopic(),
        script: 'bare-relay.ts',
      })
      drain.push(ours.perSecond)
      cpu.push((ours.cpuMs * 1000) / rows)
      bare.push(limit.perSecond)
      bareCpu.push((limit.cpuMs * 1000) / rows)
    }
    return [
      { name: 'relay: drain', unit: 'messages/s', values: drain },
      { name: 'relay: drain, bare limit', unit: 'messages/s', values: bare },
      {
        name: 'relay: drain, of the bare limit',
        unit: 'ratio',
        values: drain.map((value, n) => value / bare[n]!),
      },
      { name: 'relay: drain, CPU of the process', unit: 'µs/message', values: cpu },
      { name: 'relay: drain, bare limit, CPU of the process', unit: 'µs/message', values: bareCpu },
      { name: 'relay: latency at 1,000 commits/s, p50', unit: 'ms', values: latency.map(({ p50 }) => p50) },
      { name: 'relay: latency at 1,000 commits/s, p99', unit: 'ms', values: latency.map(({ p99 }) => p99) },
      {
        name: 'relay: commits in that run',
        unit: 'commits/s',
        values: latency.map(({ perSecond }) => perSecond),
      },
    ]
  } finally {
    await admin.close()
    await pool.end()
  }
}

async function fill(pool: Pool): Promise<void> {
  await pool.query('truncate backstitch.outbox')
  for (let from = 0; from < rows; from += 50_000)
    await pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
       select 'bench', 'order-' || (g % 10000), 'bench.written', json_build_object('n', g, 'pad', repeat('x', 275))::text
       from generate_series($1::integer, $2::integer) as g`,
      [from, from + 49_999],
    )
  await pool.query('vacuum analyze backstitch.outbox')
}
