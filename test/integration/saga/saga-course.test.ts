import { describe, expect, it } from 'vitest'
import { inTraceOf } from '../../../src/message/trace-context.ts'
import { sagaWorld, type SagaWorld } from './saga-world.ts'
import { orderSaga } from './shop.ts'

const order = { orderId: 'o-1', total: 700 }

async function begun(saga: ReturnType<typeof orderSaga>): Promise<{ world: SagaWorld; id: string }> {
  const world = await sagaWorld()
  const { id } = await world.transaction((tx) => saga.start(tx, order))
  return { world, id }
}

describe('the course of a saga', () => {
  it('completes when all steps are answered ok', async () => {
    const saga = orderSaga()
    const { world, id } = await begun(saga)
    await world.orchestrate([saga])

    const reserve = await world.command(id, 1)
    expect(reserve).toMatchObject({
      type: 'stock.reserve',
      body: { orderId: 'o-1' },
      correlation_id: id,
      causation_id: null,
      saga_step: 'reserve',
      saga_round: 1,
      saga_direction: 'do',
      saga_attempt: 1,
      reply_to: 'orchestrator.reply',
    })
    const replyId = await world.reply(reserve, 'ok', { reservationId: 'r-1' })
    const hold = await world.command(id, 2)
    expect(hold).toMatchObject({
      type: 'carrier.hold',
      body: { orderId: 'o-1', reservationId: 'r-1' },
      causation_id: replyId,
    })
    await world.reply(hold, 'ok', { slot: 4 })
    await world.reply(await world.command(id, 3), 'ok', { chargeId: 'c-1' })
    const ship = await world.command(id, 4)
    expect(ship).toMatchObject({ type: 'shipping.ship', body: { orderId: 'o-1', slot: 4 } })
    await world.reply(ship, 'ok', { parcel: 'p-1' })

    const { history, timers, endedAt } = await world.ends(id, 'completed')
    expect(history.map(({ kind, step }) => [kind, step])).toEqual([
      ['started', undefined],
      ['sent', 'reserve'],
      ['ok', 'reserve'],
      ['sent', 'hold'],
      ['ok', 'hold'],
      ['sent', 'charge'],
      ['ok', 'charge'],
      ['sent', 'ship'],
      ['ok', 'ship'],
      ['completed', undefined],
    ])
    expect(timers).toEqual([])
    expect(endedAt).toBeInstanceOf(Date)
  })

  it('undoes what was done, in reverse order, when a step is rejected', async () => {
    const saga = orderSaga()
    const { world, id } = await begun(saga)
    await world.orchestrate([saga])
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r-1' })
    await world.reply(await world.command(id, 2), 'ok', { slot: 4 })
    await world.reply(await world.command(id, 3), 'rejected.declined', { reason: 'no money' })

    const free = await world.command(id, 4)
    expect(free).toMatchObject({
      type: 'carrier.free',
      saga_step: 'hold',
      saga_direction: 'undo',
      body: { slot: 4 },
    })
    await world.reply(free, 'ok', {})
    const release = await world.command(id, 5)
    expect(release).toMatchObject({
      type: 'stock.release',
      saga_step: 'reserve',
      body: { reservationId: 'r-1' },
    })
    await world.reply(release, 'ok', {})

    const { reason, timers } = await world.ends(id, 'compensated')
    expect(reason).toContain('declined')
    expect(timers).toEqual([])
    expect(await world.commands(id)).toHaveLength(5)
  })

  it('sends an unanswered step again, with the same request and another id, then undoes it from its input alone', async () => {
    const saga = orderSaga({ timeout: '50ms' })
    const { world, id } = await begun(saga)
    await world.orchestrate([saga])
    // The answer to the undo comes at once, for its attempts end as well.
    await world.until<number>(
      `select count(*)::integer from backstitch.outbox where type = 'stock.release'`,
      [],
      (count) => count >= 1,
    )
    const [first, second, undo] = await world.commands(id)
    expect(second).toMatchObject({ type: 'stock.reserve', saga_attempt: 2, saga_round: 1, body: first!.body })
    expect(second!.id).not.toBe(first!.id)
    expect(undo).toMatchObject({ type: 'stock.release', saga_direction: 'undo', body: { orderId: 'o-1' } })
    expect(undo!.body).not.toHaveProperty('reservationId')
    // The participant had nothing to undo: its answer has no body.
    await world.reply(undo!, 'ok', null)
    const { history } = await world.ends(id, 'compensated')
    expect(history.map(({ kind }) => kind)).toContain('timed-out')
  })

  it('sends what a timer or an operator causes in the trace of its start', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    await world.orchestrate([saga])
    const trace = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'shop=1',
    }
    const { id } = await world.transaction((tx) => inTraceOf(trace, () => saga.start(tx, order)))
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r-1' })
    await world.reply(await world.command(id, 2), 'ok', { slot: 4 })
    await world.command(id, 3)
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    await world.command(id, 4)
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    await world.ends(id, 'parked')
    await world.operator([saga]).retry(id, { actor: 'ann', reason: 'the bank is back' })
    await world.command(id, 5)
    const { rows } = await world.pool.query(
      `select saga_step, saga_attempt, traceparent, tracestate from backstitch.outbox where saga_id = $1 order by seq`,
      [id],
    )
    // the replies of these tests have no trace, so neither has what they cause
    expect(rows).toEqual([
      { saga_step: 'reserve', saga_attempt: 1, ...trace },
      { saga_step: 'hold', saga_attempt: 1, traceparent: null, tracestate: null },
      { saga_step: 'charge', saga_attempt: 1, traceparent: null, tracestate: null },
      { saga_step: 'charge', saga_attempt: 2, ...trace },
      { saga_step: 'charge', saga_attempt: 3, ...trace },
    ])
  })

  it('takes the answer to any attempt for the answer: the late one of the first does not undo what the second knows', async () => {
    const saga = orderSaga()
    const { world, id } = await begun(saga)
    await world.orchestrate([saga])
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    const second = await world.command(id, 2)
    const [first] = await world.commands(id)
    expect(second).toMatchObject({ type: 'stock.reserve', saga_attempt: 2 })
    await world.reply(first!, 'ok', { reservationId: 'r-1' })
    const hold = await world.command(id, 3)
    expect(hold.type).toBe('carrier.hold')
    await world.reply(second, 'ok', { reservationId: 'r-1' })
    await world.reply(hold, 'ok', { slot: 1 })
    expect(await world.command(id, 4)).toMatchObject({ type: 'payment.charge' })
    const { history } = await world.operator([]).show(id)
    expect(history.map(({ kind }) => kind)).toEqual([
      'started',
      'sent',
      'timed-out',
      'sent',
      'ok',
      'sent',
      'ok',
      'sent',
    ])
  })

  it('parks an unanswered pivot; an operator sends it again, or passes over it', async () => {
    const saga = orderSaga({ timeout: '50ms' })
    const world = await sagaWorld()
    const slow = orderSaga()
    await world.orchestrate([slow])
    const { id } = await world.transaction((tx) => slow.start(tx, order))
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r-1' })
    await world.reply(await world.command(id, 2), 'ok', { slot: 4 })
    await world.command(id, 3)
    for (let send = 1; send <= 2; send++) {
      await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
      if (send === 1) await world.command(id, 4)
    }
    const parked = await world.ends(id, 'parked')
    expect(parked).toMatchObject({
      timers: [],
      reason: expect.stringContaining('SAGA_STEP_UNANSWERED') as string,
    })

    const operator = world.operator([saga])
    expect((await operator.list({ status: 'parked' })).map((it) => it.id)).toEqual([id])
    await operator.retry(id, { actor: 'ann', reason: 'the bank is back' })
    const again = await world.command(id, 5)
    expect(again).toMatchObject({ type: 'payment.charge', saga_round: 1, saga_attempt: 3 })
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    await world.command(id, 6)
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    await world.ends(id, 'parked')
    await operator.skip(id, { actor: 'bob', reason: 'paid in cash' })
    const ship = await world.command(id, 7)
    await world.reply(ship, 'ok', { parcel: 'p' })
    const { history } = await world.ends(id, 'completed')
    expect(history.filter(({ kind }) => kind === 'retried' || kind === 'skipped')).toMatchObject([
      { kind: 'retried', step: 'charge', detail: { actor: 'ann', reason: 'the bank is back' } },
      { kind: 'skipped', step: 'charge', detail: { actor: 'bob', reason: 'paid in cash' } },
    ])
  })
})
