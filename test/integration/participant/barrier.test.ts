import { expect, test } from 'vitest'
import { z } from 'zod'
import { deriveId, newId } from '../../../src/kernel/ids.ts'
import { command } from '../../../src/message/command.ts'
import { createParticipant, type ParticipantOptions } from '../../../src/runtime/create-participant.ts'
import { handle } from '../../../src/saga/participant/command-handler.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { serviceDatabase } from '../inbox/service-database.ts'
import { publish, started, untilDrained } from '../inbox/topic-feed.ts'
import { send } from './saga-commands.ts'

const request = z.object({ orderId: z.string(), fate: z.enum(['ok', 'rejected', 'throws']).default('ok') })
const Reserve = command('stock.reserve', {
  version: 1,
  key: (r) => r.orderId,
  request,
  ok: z.object({ reservationId: z.string() }),
  rejected: { outOfStock: z.object({ left: z.int() }) },
})
const Release = command('stock.release', {
  version: 1,
  key: (r) => r.orderId,
  request,
  ok: z.object({ released: z.int() }),
  rejected: { tooLate: z.object({}) },
})
const topic = 'outbox.event.stock.command'
const [reserve, release] = ['stock.reserve', 'stock.release']
const database = serviceDatabase()

const reserving = handle(Reserve, async ({ orderId, fate }, { tx, ok, rejected }) => {
  if (fate === 'rejected') return rejected.outOfStock({ left: 0 })
  await tx.query('insert into effect (name) values ($1)', [`reserve ${orderId}`])
  if (fate === 'throws') throw new Error('the warehouse is on fire')
  return ok({ reservationId: `R-${orderId}` })
})
const releasing = handle(Release, async ({ orderId, fate }, { tx, ok, rejected }) => {
  if (fate === 'rejected') return rejected.tooLate({})
  await tx.query('insert into effect (name) values ($1)', [`release ${orderId}`])
  return ok({ released: 1 })
})

/** A participant over a topic of its own, and a fresh saga. */
function stock(options: Partial<ParticipantOptions> = {}) {
  const transport = inMemoryTransport({ topics: { [topic]: 2 } })
  const group = `stock_${newId().slice(-8)}`
  const orderId = newId()
  const participant = createParticipant({
    database: database.pool(),
    transport,
    service: 'stock',
    group,
    handlers: [reserving, releasing],
    retry: { attemptsMax: 2, backoff: { initialMs: 1, maxMs: 1, factor: 1 } },
    ...options,
  })
  const sagaId = newId()
  const effects = async (): Promise<string[]> =>
    (await database.effects())
      .filter((name) => name.endsWith(orderId))
      .map((name) => name.split(' ')[0] ?? '')
  const replies = () =>
    database.rows(
      `select id, aggregatetype, aggregateid, type, version, payload, outcome, saga_direction as direction, saga_round as round,
         saga_attempt as attempt, causation_id, correlation_id from backstitch.outbox where saga_id = $1 order by seq`,
      [sagaId],
    )
  const run = async (): Promise<void> => {
    await started(participant)
    await untilDrained(transport, group, topic)
  }
  return { transport, group, participant, orderId, sagaId, request: { orderId }, effects, replies, run }
}

test('a command is carried out once; a later attempt gets the stored reply again, under an id of its own (D26)', async () => {
  const { transport, sagaId, request, effects, replies, run, orderId } = stock()
  const [first, second] = await send(transport, topic, [
    { type: reserve, request, sagaId },
    { type: reserve, request, sagaId, attempt: 2 },
  ])
  await run()
  expect(await effects()).toEqual(['reserve'])
  const common = {
    aggregatetype: 'orchestrator.reply',
    aggregateid: sagaId,
    type: 'stock.reserve.reply',
    version: 1,
    payload: JSON.stringify({ reservationId: `R-${orderId}` }),
    outcome: 'ok',
    direction: 'do',
    round: 1,
    correlation_id: sagaId,
  }
  expect(await replies()).toEqual([
    { ...common, id: deriveId(first!, 'reply'), attempt: 1, causation_id: first },
    { ...common, id: deriveId(second!, 'reply'), attempt: 2, causation_id: second },
  ])
})

test('a true duplicate does nothing more: its reply is on its way already', async () => {
  const { transport, sagaId, request, effects, replies, run } = stock()
  const id = newId()
  await send(transport, topic, [
    { type: reserve, request, sagaId, id },
    { type: reserve, request, sagaId, id },
  ])
  await run()
  expect(await effects()).toEqual(['reserve'])
  expect(await replies()).toMatchObject([{ id: deriveId(id, 'reply') }])
})

test('a rejection is stored and repeated like an ok', async () => {
  const { transport, sagaId, request, effects, replies, run } = stock()
  await send(transport, topic, [
    { type: reserve, request: { ...request, fate: 'rejected' }, sagaId },
    { type: reserve, request, sagaId, attempt: 2 },
  ])
  await run()
  expect(await effects()).toEqual([])
  expect(await replies()).toMatchObject([
    { outcome: 'rejected.outOfStock', payload: '{"left":0}', attempt: 1 },
    { outcome: 'rejected.outOfStock', payload: '{"left":0}', attempt: 2 },
  ])
})

test('the next round is another execution (D27)', async () => {
  const { transport, sagaId, request, effects, replies, run } = stock()
  await send(transport, topic, [
    { type: reserve, request: { ...request, fate: 'rejected' }, sagaId },
    { type: reserve, request, sagaId, round: 2 },
  ])
  await run()
  expect(await effects()).toEqual(['reserve'])
  expect(await replies()).toMatchObject([
    { outcome: 'rejected.outOfStock', round: 1 },
    { outcome: 'ok', round: 2 },
  ])
})

test('an undo after an ok calls its handler, once', async () => {
  const { transport, sagaId, request, effects, replies, run } = stock()
  await send(transport, topic, [
    { type: reserve, request, sagaId },
    { type: release, request, sagaId, direction: 'undo' },
    { type: release, request, sagaId, direction: 'undo', attempt: 2 },
    { type: reserve, request, sagaId, attempt: 2 },
  ])
  await run()
  expect(await effects()).toEqual(['reserve', 'release'])
  expect(await replies()).toMatchObject([
    { type: 'stock.reserve.reply', outcome: 'ok' },
    { type: 'stock.release.reply', outcome: 'ok', payload: '{"released":1}', direction: 'undo', attempt: 1 },
    { type: 'stock.release.reply', outcome: 'ok', payload: '{"released":1}', direction: 'undo', attempt: 2 },
    { type: 'stock.reserve.reply', outcome: 'ok', attempt: 2 },
  ])
})

test('an undo that comes first is an empty compensation, and the forward command after it is refused (D29)', async () => {
  const { transport, sagaId, request, effects, replies, run } = stock()
  await send(transport, topic, [
    { type: release, request, sagaId, direction: 'undo' },
    { type: reserve, request, sagaId },
    { type: reserve, request, sagaId, attempt: 2 },
    { type: release, request, sagaId, direction: 'undo', attempt: 2 },
  ])
  await run()
  expect(await effects()).toEqual([])
  expect(await replies()).toMatchObject([
    { type: 'stock.release.reply', outcome: 'ok', payload: null, attempt: 1 },
    { type: 'stock.reserve.reply', outcome: 'refused', payload: '{"reason":"undone"}', attempt: 1 },
    { type: 'stock.reserve.reply', outcome: 'refused', attempt: 2 },
    { type: 'stock.release.reply', outcome: 'ok', payload: null, attempt: 2 },
  ])
})

test('the undo of a rejected step has nothing to undo', async () => {
  const { transport, sagaId, request, effects, replies, run } = stock()
  await send(transport, topic, [
    { type: reserve, request: { ...request, fate: 'rejected' }, sagaId },
    { type: release, request, sagaId, direction: 'undo' },
  ])
  await run()
  expect(await effects()).toEqual([])
  expect(await replies()).toMatchObject([
    { outcome: 'rejected.outOfStock' },
    { outcome: 'ok', payload: null },
  ])
})

test('an undo that was rejected is tried again in the next round', async () => {
  const { transport, sagaId, request, effects, replies, run } = stock()
  await send(transport, topic, [
    { type: reserve, request, sagaId },
    { type: release, request: { ...request, fate: 'rejected' }, sagaId, direction: 'undo' },
    { type: release, request, sagaId, direction: 'undo', round: 2 },
  ])
  await run()
  expect(await effects()).toEqual(['reserve', 'release'])
  expect(await replies()).toMatchObject([
    { outcome: 'ok' },
    { outcome: 'rejected.tooLate', round: 1 },
    { outcome: 'ok', round: 2 },
  ])
})

test('an expired command is refused without effect and without an answer; what is known is still told (D30)', async () => {
  const { transport, group, sagaId, request, effects, replies, run } = stock()
  const [{ past, soon }] = (await database.rows<{ past: string; soon: string }>(
    `select (extract(epoch from clock_timestamp()) * 1000000)::bigint - 1000 as past,
       (extract(epoch from clock_timestamp()) * 1000000)::bigint + 60000000 as soon`,
  )) as [{ past: string; soon: string }]
  await send(transport, topic, [
    { type: reserve, request, sagaId, expiresAtUs: BigInt(past) },
    { type: reserve, request, sagaId, attempt: 2, expiresAtUs: BigInt(soon) },
    { type: reserve, request, sagaId, attempt: 3, expiresAtUs: BigInt(past) },
    { type: release, request, sagaId, direction: 'undo', expiresAtUs: BigInt(past) },
  ])
  await run()
  expect(await effects()).toEqual(['reserve'])
  expect(await replies()).toMatchObject([
    { outcome: 'ok', attempt: 2 },
    { outcome: 'ok', attempt: 3 },
  ])
  expect(
    await database.rows('select from backstitch.dead_letter where consumer_group = $1', [group]),
  ).toEqual([])
})

test('a handler that throws leaves a dead letter and no answer, and the next attempt runs again', async () => {
  const { transport, group, sagaId, request, effects, replies, run } = stock()
  const [id] = await send(transport, topic, [
    { type: reserve, request: { ...request, fate: 'throws' }, sagaId },
    { type: reserve, request, sagaId, attempt: 2 },
  ])
  await run()
  expect(await effects()).toEqual(['reserve'])
  expect(await replies()).toMatchObject([{ outcome: 'ok', attempt: 2 }])
  const letters =
    'select message_id, reason_code, attempts, reason from backstitch.dead_letter where consumer_group = $1'
  expect(await database.rows(letters, [group])).toEqual([
    { message_id: id, reason_code: 'HANDLER_FAILED', attempts: 2, reason: 'the warehouse is on fire' },
  ])
})

test('a command without a handler is a dead letter at once', async () => {
  const { transport, group, sagaId, request, replies, run } = stock()
  await send(transport, topic, [{ type: 'stock.count', request, sagaId }])
  await run()
  expect(await replies()).toEqual([])
  expect(
    await database.rows(
      'select type, reason_code, attempts from backstitch.dead_letter where consumer_group = $1',
      [group],
    ),
  ).toEqual([{ type: 'stock.count', reason_code: 'HANDLER_MISSING', attempts: 0 }])
})

test('an outcome that is none of the contract’s is no answer', async () => {
  const wrong = handle(
    Reserve,
    async () => ({ kind: 'ok', body: { reservationId: 'made by hand' } }) as const,
  )
  const { transport, group, sagaId, request, replies, run } = stock({ handlers: [wrong] })
  await send(transport, topic, [{ type: reserve, request, sagaId }])
  await run()
  expect(await replies()).toEqual([])
  expect(
    await database.rows('select reason_code from backstitch.dead_letter where consumer_group = $1', [group]),
  ).toEqual([{ reason_code: 'HANDLER_RESULT_INVALID' }])
})

test('what a handler sends goes with the reply, in order', async () => {
  const sending = handle(Reserve, ({ orderId }, { ok, enqueue, saga, message }) => {
    enqueue({ ...message, aggregateType: 'stock', type: 'stock.low', body: { orderId, step: saga?.step } })
    return ok({ reservationId: 'r' })
  })
  const { transport, group, sagaId, request, run } = stock({ handlers: [sending] })
  const [id] = await send(transport, topic, [{ type: reserve, request, sagaId }])
  await run()
  const rows = await database.rows(
    'select id, type, payload from backstitch.outbox where correlation_id = $1 order by seq',
    [sagaId],
  )
  expect(rows).toMatchObject([
    {
      id: deriveId(id!, group, 'stock.reserve v1', topic, 0),
      type: 'stock.low',
      payload: expect.stringContaining('reserve'),
    },
    { id: deriveId(id!, 'reply'), type: 'stock.reserve.reply' },
  ])
})

test('a command of no saga is carried out once per message, and answered where it asks for it', async () => {
  const { transport, orderId, request, effects, run } = stock()
  const replyTo = { 'reply-to': 'shop.reply', 'correlation-id': 'c1' }
  const ids = [newId(), newId()]
  await publish(transport, [
    { topic, type: reserve, value: request, id: ids[0]!, headers: replyTo, key: orderId },
    { topic, type: reserve, value: request, id: ids[0]!, headers: replyTo, key: orderId },
    { topic, type: reserve, value: request, id: ids[1]! },
    { topic, type: reserve, value: request, headers: { 'expires-at': '1' } },
  ])
  await run()
  expect(await effects()).toEqual(['reserve', 'reserve'])
  const rows = await database.rows(
    'select id, aggregatetype, aggregateid, correlation_id, saga_id, outcome from backstitch.outbox where causation_id = any($1)',
    [ids],
  )
  expect(rows).toEqual([
    {
      id: deriveId(ids[0]!, 'reply'),
      aggregatetype: 'shop.reply',
      aggregateid: orderId,
      correlation_id: 'c1',
      saga_id: null,
      outcome: 'ok',
    },
  ])
})
