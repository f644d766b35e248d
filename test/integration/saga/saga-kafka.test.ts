import { Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import type { ProcessPart } from '../../../src/kernel/lifecycle.ts'
import { migrate } from '../../../src/postgres/migrate.ts'
import { createOrchestrator } from '../../../src/runtime/create-orchestrator.ts'
import { createParticipant } from '../../../src/runtime/create-participant.ts'
import { createRelay } from '../../../src/runtime/create-relay.ts'
import { applyTopics } from '../../../src/runtime/topics.ts'
import { handle } from '../../../src/saga/participant/command-handler.ts'
import { createDatabase, kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../support/services.ts'
import { inTransaction } from './saga-world.ts'
import {
  ChargeCard,
  FreeCarrier,
  HoldCarrier,
  orderSaga,
  ReleaseStock,
  ReserveStock,
  ShipOrder,
} from './shop.ts'

const orderCount = 100
const numberOf = (orderId: string): number => Number(orderId.slice(2))

test('sagas run over a real Kafka with two orchestrators, some started here and some from another database; each ends, nothing is half done', async () => {
  const topicPrefix = uniqueTopicPrefix()
  const transport = kafkajs({ brokers: kafkaBrokers() })
  const saga = orderSaga({ name: uniqueName('place-order').replaceAll('_', '-') })
  await applyTopics({ transport, sagas: [saga], topicPrefix, partitions: 3 })

  const home = await pool(['outbox', 'inbox', 'saga', 'timer', 'participant'])
  const service = await pool(['outbox'])
  await home.query('create table effect (kind text, order_id text, primary key (kind, order_id))')
  const participant = (name: string, handlers: Parameters<typeof createParticipant>[0]['handlers']) =>
    createParticipant({ database: home, transport, topicPrefix, service: name, handlers })
  const note = 'insert into effect (kind, order_id) values ($1, $2)'
  const parts: ProcessPart[] = [
    participant('stock', [
      handle(ReserveStock, async ({ orderId }, { tx, ok, rejected }) => {
        if (numberOf(orderId) % 10 === 0) return rejected.outOfStock({ left: 0 })
        await tx.query(note, ['reserve', orderId])
        return ok({ reservationId: `r-${orderId}` })
      }),
      handle(ReleaseStock, async ({ orderId, reservationId }, { tx, ok }) => {
        expect(reservationId).toBe(`r-${orderId}`)
        await tx.query(note, ['release', orderId])
        return ok({})
      }),
    ]),
    participant('carrier', [
      handle(HoldCarrier, async ({ orderId }, { tx, ok }) => {
        await tx.query(note, ['hold', orderId])
        return ok({ slot: numberOf(orderId) })
      }),
      handle(FreeCarrier, async ({ orderId }, { tx, ok }) => {
        await tx.query(note, ['free', orderId])
        return ok({})
      }),
    ]),
    participant('payment', [
      handle(ChargeCard, async ({ orderId }, { tx, ok, rejected }) => {
        if (numberOf(orderId) % 10 === 1) return rejected.declined({ reason: 'no money' })
        await tx.query(note, ['charge', orderId])
        return ok({ chargeId: `c-${orderId}` })
      }),
    ]),
    participant('shipping', [
      handle(ShipOrder, async ({ orderId, slot }, { tx, ok }) => {
        expect(slot).toBe(numberOf(orderId))
        await tx.query(note, ['ship', orderId])
        return ok({ parcel: `p-${orderId}` })
      }),
    ]),
  ]
  const relay = createRelay({ databases: [home, service], transport, topicPrefix })
  const orchestrator = () =>
    createOrchestrator({
      database: home,
      transport,
      topicPrefix,
      sagas: [saga],
      onCommandsWritten: () => relay.wake(),
    })
  parts.push(relay, orchestrator(), orchestrator())
  onTestFinished(async () => {
    await Promise.all(parts.map((part) => part.stop()))
    await Promise.all([home.end(), service.end()])
  })
  await Promise.all(parts.map((part) => part.start()))

  const orders = Array.from({ length: orderCount }, (_, n) => ({ orderId: `o-${n}`, total: n }))
  for (let from = 0; from < orderCount; from += 20) {
    const some = orders.slice(from, from + 20)
    await inTransaction(from % 40 === 0 ? home : service, (tx) => saga.startMany(tx, some))
    // Starts that come twice, from either side, start nothing.
    if (from % 60 === 0) await inTransaction(service, (tx) => saga.startMany(tx, some.toReversed()))
  }

  const deadline = Date.now() + 45_000
  for (;;) {
    const { rows } = await home.query<{ status: string; n: number }>(
      'select status, count(*)::integer as n from backstitch.saga_instance group by 1 order by 1',
    )
    const ended = rows.filter(({ status }) => status === 'completed' || status === 'compensated')
    if (ended.reduce((sum, { n }) => sum + n, 0) === orderCount) {
      expect(rows).toEqual([
        { status: 'compensated', n: orderCount / 5 },
        { status: 'completed', n: orderCount - orderCount / 5 },
      ])
      break
    }
    if (Date.now() > deadline) throw new Error(`not ended: ${JSON.stringify(rows)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { rows: effects } = await home.query<{ kind: string; n: number }>(
    'select kind, count(*)::integer as n from effect group by 1 order by 1',
  )
  const tenth = orderCount / 10
  expect(effects).toEqual([
    { kind: 'charge', n: 8 * tenth },
    { kind: 'free', n: tenth },
    { kind: 'hold', n: 9 * tenth },
    { kind: 'release', n: tenth },
    { kind: 'reserve', n: 9 * tenth },
    { kind: 'ship', n: 8 * tenth },
  ])
  const { rows: left } = await home.query(
    'select (select count(*) from backstitch.timer)::integer as timers, (select count(*) from backstitch.dead_letter)::integer as letters',
  )
  expect(left).toEqual([{ timers: 0, letters: 0 }])
})

async function pool(parts: Parameters<typeof migrate>[0]['parts']): Promise<Pool> {
  const { url } = await createDatabase({
    migrate: async (database) => void (await migrate({ database, parts })),
  })
  return new Pool({ connectionString: url, max: 12 })
}
