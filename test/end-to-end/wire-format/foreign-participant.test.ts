import { command, createOrchestrator, createRelay, saga } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { migrate } from 'backstitch/postgres'
import bare from 'kafkajs'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createDatabase, kafkaBrokers, uniqueName } from '../../support/services.ts'

// A service that knows docs/protocol.md and nothing of this package: bare Kafka, bare SQL.
const orchestratorName = uniqueName('orchestrator')
const service = uniqueName('stock')
const Order = z.object({ orderId: z.string(), total: z.int() })
const Reserve = command(`${service}.reserve`, {
  version: 2,
  key: ({ orderId }) => orderId,
  request: Order,
  ok: z.object({ reservationId: z.string() }),
})
const Release = command(`${service}.release`, {
  version: 1,
  key: ({ orderId }) => orderId,
  request: Order,
  ok: z.object({}),
})
const Charge = command(`${service}.charge`, {
  version: 1,
  key: ({ orderId }) => orderId,
  request: Order.extend({ reservationId: z.string() }),
  ok: z.object({}),
  rejected: { declined: z.object({ limit: z.int() }) },
})
const placeOrder = saga('place-order', {
  version: 1,
  orchestrator: orchestratorName,
  input: Order,
  key: ({ orderId }) => orderId,
})
  .step('reserve', {
    send: Reserve,
    with: ({ input }) => input,
    undo: { send: Release, with: ({ input }) => input },
  })
  .pivot('charge', {
    send: Charge,
    with: ({ input, done }) => ({ ...input, reservationId: done.reserve.reservationId }),
  })
  .build()

const transport = kafkajs({ brokers: kafkaBrokers() })
const kafka = new bare.Kafka({ brokers: kafkaBrokers(), logLevel: bare.logLevel.NOTHING })
const consumer = kafka.consumer({ groupId: service, maxWaitTimeInMs: 50 })
let pool: Pool
let parts: { start(): Promise<void>; stop(): Promise<void> }[] = []
const seen: Record<string, string>[] = []

beforeAll(async () => {
  pool = new Pool({ connectionString: (await createDatabase()).url })
  await migrate({ database: pool, parts: ['outbox', 'inbox', 'saga', 'timer'] })
  const admin = transport.admin()
  const topics = [`${service}.command`, `${orchestratorName}.reply`, `${orchestratorName}.saga`]
  await admin.createTopics(topics.map((type) => ({ topic: `outbox.event.${type}`, partitions: 1 })))
  await admin.close()
  parts = [
    createRelay({ databases: [pool], transport }),
    createOrchestrator({ database: pool, transport, name: orchestratorName, sagas: [placeOrder] }),
  ]
  await Promise.all(parts.map((part) => part.start()))
  await consumer.connect()
  await consumer.subscribe({ topic: `outbox.event.${service}.command`, fromBeginning: true })
  await consumer.run({ eachMessage: ({ message }) => carryOut(message) })
})
afterAll(async () => {
  await Promise.all([...parts.map((part) => part.stop()), consumer.disconnect()])
  await pool?.end()
})

/** Answers a command with what the page says that a reply has. */
async function carryOut({ headers, value }: bare.KafkaMessage): Promise<void> {
  const said = Object.fromEntries(Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]))
  seen.push(said)
  const { total } = JSON.parse(String(value)) as { total: number }
  const answers: Record<string, [outcome: string, body: string]> = {
    [`${service}.reserve`]: ['ok', '{ "reservationId" : "r-1" }'],
    [`${service}.release`]: ['ok', '{}'],
    [`${service}.charge`]: total > 100 ? ['rejected.declined', '{"limit":100}'] : ['ok', '{}'],
  }
  const [outcome, body] = answers[said['type'] ?? ''] ?? ['unheard of', '{}']
  await pool.query(
    `insert into backstitch.outbox (id, aggregatetype, aggregateid, type, version, payload, outcome, saga_id, saga_name, saga_step, saga_round,
       saga_direction, saga_attempt, correlation_id, causation_id)
     values ($1::uuid, $2, $3, $4, $5, $6, $7, ($3::text)::uuid, $8, $9, $10, $11, $12, $3, $13)`,
    [
      uuidFrom(said['id'] ?? ''),
      said['reply-to'],
      said['saga-id'],
      `${said['type']}.reply`,
      said['version'],
      body,
      outcome,
      ...['saga-name', 'saga-step', 'saga-round', 'saga-direction', 'saga-attempt', 'id'].map(
        (name) => said[name],
      ),
    ],
  )
}

/** Any UUID that follows from another one. */
function uuidFrom(id: string): string {
  const hex = createHash('sha1').update(id).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The page’s own statement, for this test’s orchestrator and order. */
async function start(orderId: string, sagaId: string, total: number): Promise<void> {
  const page = await readFile(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
  const sql = /```sql\n([^`]*saga\.start[^`]*)```/.exec(page)?.[1]
  if (sql === undefined) throw new Error('docs/protocol.md has no statement that starts a saga')
  await pool.query(
    sql
      .replace('0198a1b2-0000-8000-8000-00000000002a', uuidFrom(orderId))
      .replace('0198a1b2-0000-7000-8000-00000000002a', sagaId)
      .replace('orchestrator.saga', `${orchestratorName}.saga`)
      .replaceAll('o-17', orderId)
      .replace('1250', String(total)),
  )
}

const statusOf = async (sagaId: string): Promise<unknown> =>
  (
    await pool.query<{ status: string }>('select status from backstitch.saga_instance where id = $1', [
      sagaId,
    ])
  ).rows[0]?.status

test('a service that knows only the protocol starts sagas and carries out their commands, to both ends', async () => {
  const [good, bad] = ['0198a1b2-0000-7000-8000-000000000001', '0198a1b2-0000-7000-8000-000000000002']
  await start('o-good', good, 50)
  await start('o-good', '0198a1b2-0000-7000-8000-000000000009', 50) // the same message again
  await start('o-bad', bad, 500)
  await expect.poll(() => statusOf(good), { timeout: 20_000 }).toBe('completed')
  await expect.poll(() => statusOf(bad), { timeout: 20_000 }).toBe('compensated')
  expect((await pool.query('select from backstitch.saga_instance')).rowCount).toBe(2)
  expect((await pool.query('select from backstitch.dead_letter')).rowCount).toBe(0)

  const ofBad = seen.filter((said) => said['saga-id'] === bad)
  expect(ofBad.map((said) => [said['type'], said['saga-step'], said['saga-direction']])).toEqual([
    [`${service}.reserve`, 'reserve', 'do'],
    [`${service}.charge`, 'charge', 'do'],
    [`${service}.release`, 'reserve', 'undo'],
  ])
  for (const said of ofBad)
    expect(said).toMatchObject({
      'saga-name': 'place-order',
      'saga-round': '1',
      'saga-attempt': '1',
      'reply-to': `${orchestratorName}.reply`,
      'correlation-id': bad,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'created-at': expect.stringMatching(/^\d{16}$/) as string,
    })
})
