import { expect, type TestContext } from 'vitest'
import { commandAggregateType, replyAggregateType, startAggregateType } from '../../src/message/topic.ts'
import { uniqueTopicPrefix } from '../support/services.ts'
import { CrashingPart } from './part/crashing-part.ts'
import type { Kill } from './points.ts'
import { expectDelivered } from './promises/delivery.ts'
import { expectEnded } from './promises/orders.ts'
import { expectAllRead } from './promises/reading.ts'
import { type Fate, type FatedOrder, fatedOrder } from './world/shop-orders.ts'
import { oldParts, openShop, placeOrders, shopParts, type ShopStage } from './world/shop.ts'
import { isAllSeen } from './world/tally-tables.ts'
import { until } from './world/until.ts'

/** Which part of the shop is killed, where it works, and what it reads. */
type Victim =
  | { readonly part: 'orchestrator'; readonly database: 'orders'; readonly group: 'orchestrator' }
  | { readonly part: 'participant'; readonly database: 'services'; readonly group: 'stock' }

const waves: readonly (readonly Fate[])[] = [
  ['shipped', 'card declined', 'out of stock', 'no quote'],
  ['shipped', 'card declined', 'shipped', 'no quote'],
  ['shipped', 'out of stock', 'shipped', 'card declined'],
]

/**
 * Runs a shop in which one part is killed at a point and replaced: three waves of orders, the next one placed when the last one has ended,
 * and one more after the crash. Then everything is counted.
 */
export async function crashShop(
  victim: Victim,
  kill: Kill,
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
): Promise<void> {
  const stage = await openShop(uniqueTopicPrefix())
  onTestFinished(() => stage.close())
  const orders = waves.map((wave) => wave.map(fatedOrder))
  await askInVain(stage)
  await placeOrders(stage, orders[0] ?? [])
  if (victim.part === 'orchestrator') orders[0]?.push(await startElsewhere(stage))

  const part = new CrashingPart(victim.part, stage.settings(victim.database), kill)
  onTestFinished(() => part.kill())
  onTestFinished(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(kill, part.log, await stage.report())
  })
  const { signal } = part
  await stage.start(...shopParts(stage, victim.part))
  const ended = (count: number) =>
    until(`${count} sagas have ended`, async () => (await endedSagas(stage)) >= count, { signal })
  let count = orders[0]?.length ?? 0
  await ended(count)
  for (const wave of orders.slice(1)) {
    await placeOrders(stage, wave)
    await ended((count += wave.length))
  }
  await part.crashed
  const last = [fatedOrder('shipped'), fatedOrder('card declined')]
  await placeOrders(stage, last)
  await ended(count + last.length)
  await until('all that was committed is published', () => isAllPublished(stage), { signal })
  const unhandled = await unhandledCommands(stage)
  await until(
    'each command without a handler is a dead letter',
    async () => (await letters(stage)).length >= unhandled.length,
    { signal },
  )
  await part.stop()
  await until('what it wrote last is published', () => isAllPublished(stage), { signal })
  await stage.stop()

  await until('the witness has read all', () => stage.witness.hasReadAll(), { signal })
  await expectEnded(stage, [...orders, last].flat())
  await expectDelivered(stage.witness, stage.topicPrefix, stage.pools)
  expect(await letters(stage), 'I3: dead letters').toEqual(unhandled)
  const read =
    victim.part === 'orchestrator'
      ? [replyAggregateType('orchestrator'), startAggregateType('orchestrator')]
      : [commandAggregateType('stock')]
  await expectAllRead(
    stage,
    victim.database,
    victim.group,
    read.map((type) => stage.topicPrefix + type),
  )
}

/**
 * Starts a saga from the database of another service, while the only orchestrator is one that does not know it: it sets the start aside
 * for the next one.
 */
async function startElsewhere(stage: ShopStage): Promise<FatedOrder> {
  const fated = fatedOrder('no quote')
  await placeOrders(stage, [fated], 'services')
  await stage.start(...oldParts(stage))
  await until('the start is set aside', () => hasSetAside(stage), { signal: new AbortController().signal })
  await stage.stop()
  return fated
}

async function hasSetAside(stage: ShopStage): Promise<boolean> {
  const { rows } = await stage.pool('orders').query('select from backstitch.saga_set_aside')
  return rows.length > 0
}

/** Sends stock a command that it does not know. */
async function askInVain(stage: ShopStage): Promise<void> {
  await stage
    .pool('orders')
    .query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('stock.command', 'count', 'stock.count', '{}')`,
    )
}

/** The commands that were sent, and that their service has no handler for. */
async function unhandledCommands(stage: ShopStage): Promise<readonly string[]> {
  const { rows } = await stage
    .pool('orders')
    .query<{ id: string }>(
      `select id from backstitch.outbox where type in ('stock.count', 'courier.quote') order by id`,
    )
  return rows.map(({ id }) => id)
}

async function letters(stage: ShopStage): Promise<readonly string[]> {
  const found = await Promise.all(
    stage.pools.map((pool) =>
      pool.query<{ id: string }>('select message_id as id from backstitch.dead_letter'),
    ),
  )
  return found.flatMap(({ rows }) => rows.map(({ id }) => id)).toSorted()
}

async function endedSagas(stage: ShopStage): Promise<number> {
  const { rows } = await stage.pool('orders').query<{ ended: number; parked: string | null }>(
    `select count(*) filter (where status in ('completed', 'compensated'))::integer as ended,
         min(reason) filter (where status = 'parked') as parked
       from backstitch.saga_instance`,
  )
  const { ended = 0, parked = null } = rows[0] ?? {}
  if (parked !== null) throw new Error(`a saga was parked: ${parked}`)
  return ended
}

async function isAllPublished(stage: ShopStage): Promise<boolean> {
  const seen = await Promise.all(stage.pools.map((pool) => isAllSeen(pool, stage.witness.ids)))
  return seen.every(Boolean)
}
