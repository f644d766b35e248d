import { describe, expect, it } from 'vitest'
import { sagaWorld } from '../saga-world.ts'
import { orderSaga } from '../shop.ts'

const saga = orderSaga()
const by = { actor: 'ann', reason: 'because' }

describe('the compensation desk', () => {
  it('holds a saga, which then takes its answer and sends nothing, and lets it go on', async () => {
    const world = await sagaWorld()
    await world.orchestrate([saga])
    const desk = world.operator([saga])
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'a', total: 1 }))
    const reserve = await world.command(id, 1)
    expect(await desk.hold(id, by)).toMatchObject({ status: 'parked', reason: 'held by ann: because' })
    await world.reply(reserve, 'ok', { reservationId: 'r' })
    await expect
      .poll(async () => (await desk.show(id)).history.map(({ kind }) => kind), { timeout: 20_000 })
      .toEqual(['started', 'sent', 'held', 'ok'])
    expect((await desk.show(id)).timers).toEqual([])
    await expect(desk.hold(id, by)).rejects.toMatchObject({ code: 'SAGA_STATE_REFUSES' })
    expect(await desk.resume(id, by)).toMatchObject({ status: 'running' })
    expect(await world.command(id, 2)).toMatchObject({
      type: expect.not.stringMatching(reserve.type) as string,
    })
    const { rows } = await world.pool.query('select verb from backstitch.audit_entry order by seq')
    expect(rows).toEqual([{ verb: 'saga hold' }, { verb: 'saga resume' }])
  })

  it('cancels a saga: what is on its way is answered, and then undone', async () => {
    const world = await sagaWorld()
    await world.orchestrate([saga])
    const desk = world.operator([saga])
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'a', total: 1 }))
    const reserve = await world.command(id, 1)
    expect(await desk.cancel(id, by)).toMatchObject({ status: 'compensating' })
    await world.reply(reserve, 'ok', { reservationId: 'r' })
    const release = await world.command(id, 2)
    expect(release).toMatchObject({ type: 'stock.release' })
    await world.reply(release, 'ok', {})
    expect(await world.ends(id, 'compensated')).toMatchObject({ reason: 'cancelled by ann: because' })
    await expect(desk.cancel(id, by)).rejects.toMatchObject({ code: 'SAGA_STATE_REFUSES' })
  })

  it('settles what has stopped with a result, or ends the saga by hand', async () => {
    const world = await sagaWorld()
    await world.orchestrate([saga])
    const desk = world.operator([saga])
    const parked = async (orderId: string): Promise<string> => {
      const { id } = await world.transaction((tx) => saga.start(tx, { orderId, total: 1 }))
      await world.reply(await world.command(id, 1), 'ok', { wrong: true })
      await world.ends(id, 'parked')
      return id
    }
    const one = await parked('a')
    await expect(desk.substitute(one, by, { reservationId: 7 })).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
    })
    expect(await desk.substitute(one, by, { reservationId: 'by phone' })).toMatchObject({ status: 'running' })
    await world.command(one, 2)
    const other = await parked('b')
    expect(await desk.resolve(other, by, 'compensated')).toMatchObject({
      status: 'compensated',
      reason: 'resolved by ann: because',
      endedAt: expect.any(Date) as Date,
    })
    await expect(desk.resolve(other, by, 'completed')).rejects.toMatchObject({ code: 'SAGA_STATE_REFUSES' })
    await expect(desk.compensate(other, by)).rejects.toMatchObject({ code: 'SAGA_STATE_REFUSES' })
  })
})
