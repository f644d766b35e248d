import { describe, expect, it } from 'vitest'
import { newId } from '../../../../src/kernel/ids.ts'
import { sagaWorld } from '../saga-world.ts'
import { orderSaga } from '../shop.ts'

const saga = orderSaga()
const by = { actor: 'ann', reason: 'because' }

describe('the operator', () => {
  it('lists, shows and finds sagas', async () => {
    const world = await sagaWorld()
    const ids: string[] = []
    for (const orderId of ['a', 'b', 'c'])
      ids.push((await world.transaction((tx) => saga.start(tx, { orderId, total: 1 }))).id)
    const operator = world.operator([])
    expect((await operator.list()).map(({ businessKey }) => businessKey)).toEqual(['c', 'b', 'a'])
    expect(await operator.list({ limit: 1 })).toHaveLength(1)
    expect(await operator.list({ status: 'parked' })).toEqual([])
    expect(await operator.find('place-order', 'b')).toBe(ids[1])
    const shown = await operator.show(ids[0]!)
    expect(shown).toMatchObject({
      status: 'running',
      revision: 1,
      history: [{ kind: 'started' }, { kind: 'sent', step: 'reserve' }],
    })
    expect(shown.startedAt.getTime()).toBeGreaterThan(Date.now() - 60_000)
    expect(shown.timers[0]!.dueAt.getTime()).toBeGreaterThan(Date.now())
    expect(JSON.parse(shown.state)).toMatchObject({
      stopped: [],
      steps: { reserve: { do: { status: 'sent' } } },
    })
  })

  it('refuses what does not exist, what the state does not allow, and what it has no definition for', async () => {
    const world = await sagaWorld()
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'a', total: 1 }))
    const operator = world.operator([saga])
    await expect(operator.show(newId())).rejects.toMatchObject({ code: 'SAGA_NOT_FOUND' })
    await expect(operator.show('42')).rejects.toMatchObject({ code: 'SAGA_NOT_FOUND' })
    await expect(operator.find('place-order', 'z')).rejects.toMatchObject({ code: 'SAGA_NOT_FOUND' })
    await expect(operator.retry(newId(), by)).rejects.toMatchObject({ code: 'SAGA_NOT_FOUND' })
    await expect(operator.retry(id, by)).rejects.toMatchObject({ code: 'SAGA_STATE_REFUSES' })
    await expect(operator.skip(id, { actor: '', reason: 'x' })).rejects.toMatchObject({
      code: 'ACTOR_MISSING',
    })
    await expect(operator.skip(id, { actor: 'ann', reason: '' })).rejects.toMatchObject({
      code: 'REASON_MISSING',
    })
    await expect(operator.retry(id.toUpperCase(), by)).rejects.toMatchObject({ code: 'SAGA_STATE_REFUSES' })
    await expect(world.operator([]).retry(id, by)).rejects.toMatchObject({ code: 'SAGA_DEFINITION_UNKNOWN' })
    await world.pool.query(`update backstitch.saga_instance set status = 'parked', state = '{'`)
    await expect(operator.retry(id, by)).rejects.toMatchObject({ code: 'SAGA_STATE_REFUSES' })
    expect(await world.count('outbox')).toBe(1)
    expect(await world.count('audit_entry')).toBe(0)
  })

  it('begins the next round after a rejection, for the participant would only repeat its answer within the old one', async () => {
    const world = await sagaWorld()
    await world.orchestrate([saga])
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'a', total: 1 }))
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r' })
    await world.reply(await world.command(id, 2), 'rejected.noCarrier', {})
    const release = await world.command(id, 3)
    await world.reply(release, 'rejected.never', {})
    expect(await world.ends(id, 'parked')).toMatchObject({
      reason: expect.stringContaining('SAGA_STEP_REFUSED') as string,
    })
    await world.operator([saga]).retry(id, by)
    const again = await world.command(id, 4)
    expect(again).toMatchObject({ type: 'stock.release', saga_round: 2, saga_attempt: 1, body: release.body })
    const { rows } = await world.pool.query(
      'select actor_id, verb, target_kind, target_id, reason, before, after from backstitch.audit_entry',
    )
    expect(rows).toEqual([
      {
        actor_id: 'ann',
        verb: 'saga retry',
        target_kind: 'saga',
        target_id: id,
        reason: 'because',
        before: { status: 'parked', revision: expect.any(Number) as number },
        after: { status: 'compensating', revision: expect.any(Number) as number },
      },
    ])
    await world.reply(again, 'ok', {})
    await world.ends(id, 'compensated')
  })

  it('moves a saga only together with its entry in the audit trail', async () => {
    const world = await sagaWorld()
    await world.orchestrate([saga])
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'a', total: 1 }))
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r' })
    await world.reply(await world.command(id, 2), 'rejected.noCarrier', {})
    await world.reply(await world.command(id, 3), 'rejected.never', {})
    await world.ends(id, 'parked')
    await world.pool.query(
      `alter table backstitch.audit_entry add constraint full_now check (verb <> 'saga skip') not valid`,
    )
    await expect(world.operator([saga]).skip(id, by)).rejects.toMatchObject({ code: '23514' })
    expect(await world.operator([]).show(id)).toMatchObject({ status: 'parked' })
    expect(await world.count('audit_entry')).toBe(0)
  })
})
