import { createConsumer, event, type KafkaTransport, type Metrics, on, onBatch } from 'backstitch'
import pg from 'pg'
import { z } from 'zod'
import type { ConsumerMode } from '../consumer/consuming-side.ts'
import { wordToBegin } from '../word-to-begin.ts'

// A consumer as an application runs it. It tells how long the messages took from the first handler’s call, or the first duplicate, to the commit
// of the last; and, when it is asked, when each of them was committed.
const { url, brokers, topicPrefix, driver, group, mode, messages } = JSON.parse(process.argv[2]!) as {
  url: string
  brokers: string[]
  topicPrefix: string
  driver: string
  group: string
  mode: ConsumerMode
  messages: number
}
const drivers = (await import(`backstitch/${driver}`)) as Record<
  string,
  (options: { brokers: string[] }) => KafkaTransport
>
await wordToBegin()

const slowHandlerMs = 2_000
const connections = 8
// named statements: what a user who minds the speed would write
const updateOne = { name: 'update', text: 'update account set n = n + 1 where id = $1' }
const insertOne = { name: 'insert', text: `insert into effect values ($1, 'x')` }
const applyMany = {
  name: 'many',
  text: `with r as materialized (select * from jsonb_to_recordset($1::jsonb) as x(id uuid, account integer)),
  e as (insert into effect select id, 'x' from r),
  a as (select account, count(*) as c from r group by account order by account)
update account set n = n + a.c from a where account.id = a.account`,
}

const Happened = event('bench.happened', {
  version: 1,
  key: ({ n }) => String(n),
  payload: z.object({ n: z.int(), account: z.int(), pad: z.string() }),
})

let beganAtMs = 0
let cpu = process.cpuUsage()
let counted = 0
const begun: number[] = []
const committedAtMs: [n: number, atMs: number][] = []

function begin(): void {
  if (beganAtMs > 0) return
  beganAtMs = performance.now()
  cpu = process.cpuUsage()
}

function count(amount: number): void {
  begin()
  if (mode === 'one' && counted < 100_000) {
    const nowMs = performance.timeOrigin + performance.now()
    for (const n of begun.splice(0, amount)) committedAtMs.push([n, nowMs])
  }
  counted += amount
  if (counted < messages || counted - amount >= messages) return
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({
    seconds: (performance.now() - beganAtMs) / 1000,
    cpuMicros: (user + system) / counted,
    peakMb: process.resourceUsage().maxRSS / 1024,
  })
}

const counting = new Set(['backstitch.group.handled', 'backstitch.group.duplicates'])
const ignore = (): void => undefined
const metrics: Metrics = {
  isRecording: true,
  counter: ({ name }) => ({ add: counting.has(name) ? count : ignore }),
  gauge: () => ({ set: ignore }),
  histogram: () => ({ record: ignore }),
}

const one = on(Happened, async ({ id, body }, context) => {
  begin()
  if (mode === 'slow') return new Promise((resolve) => setTimeout(resolve, slowHandlerMs))
  begun.push(body.n)
  const tx = context.tx as pg.PoolClient
  await Promise.all([
    tx.query({ ...updateOne, values: [body.account] }),
    tx.query({ ...insertOne, values: [id] }),
  ])
})

const many = onBatch(Happened, async (received, context) => {
  begin()
  const rows = JSON.stringify(received.map(({ id, body }) => ({ id, account: body.account })))
  await (context.tx as pg.PoolClient).query({ ...applyMany, values: [rows] })
})

const database = new pg.Pool({
  connectionString: url,
  max: connections + 2,
  pipeline: true,
  options: '-c plan_cache_mode=force_generic_plan',
})
const consumer = createConsumer({
  database,
  transport: drivers[driver]!({ brokers }),
  group,
  topicPrefix,
  metrics,
  handlers: [mode === 'batch' ? many : one],
})
// asked for once, at the end
process.on('message', () => process.send?.({ committedAtMs }))
process.once('SIGTERM', () => {
  void consumer
    .stop()
    .then(() => database.end())
    .then(() => process.exit(0))
})
await consumer.start()
process.send?.('started')
