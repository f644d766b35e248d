import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/kernel/ids.ts'
import { causeOfMessage } from '../../../src/saga/transition/saga-cause.ts'
import { commandMessage } from '../../../src/saga/transition/command-message.ts'
import { replyRecord, replyTopic, sagaWorld } from './saga-world.ts'
import { HoldCarrier, orderSaga } from './shop.ts'

const groupOffsets = `select count(*)::integer from backstitch.inbox where consumer_group = 'orchestrator'`

describe('the messages of an orchestrator', () => {
  it('applies a message once, however often it is delivered, in one batch or in several', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    const reserve = await world.command(id, 1)
    const answer = replyRecord(reserve, 'ok', { reservationId: 'r-1' })
    await world.publish(replyTopic, [answer, answer, answer])
    await world.orchestrate([saga])
    await world.command(id, 2)
    // Another answer that comes too late is a line in the history, but one.
    const late = replyRecord(reserve, 'rejected.outOfStock', { left: 0 })
    await world.publish(replyTopic, [answer, late, late])
    await world.publish(replyTopic, [late])
    await world.reply((await world.commands(id))[1]!, 'ok', { slot: 1 })
    await world.command(id, 3)
    const { history } = await world.operator([]).show(id)
    expect(history.map(({ kind }) => kind)).toEqual(['started', 'sent', 'ok', 'sent', 'late', 'ok', 'sent'])
  })

  it('folds many messages of one saga in one batch, each on the outcome of the one before', async () => {
    const saga = orderSaga()
    const world = await sagaWorld({ partitions: 1 })
    const ids: string[] = []
    for (let n = 0; n < 40; n++) {
      const { id } = await world.transaction((tx) => saga.start(tx, { orderId: `o-${n}`, total: 1 }))
      ids.push(id)
    }
    const commands = await world.commands()
    // The answers of all four steps at once: what a participant knows before it is asked is what it will say.
    const answers = commands.flatMap((reserve) => [
      replyRecord(reserve, 'ok', { reservationId: 'r' }),
      replyRecord({ ...reserve, saga_step: 'hold' }, 'ok', { slot: 1 }),
      replyRecord({ ...reserve, saga_step: 'charge' }, 'ok', { chargeId: 'c' }),
      replyRecord({ ...reserve, saga_step: 'ship' }, 'ok', { parcel: 'p' }),
    ])
    await world.publish(replyTopic, answers)
    await world.orchestrate([saga])
    for (const id of ids) {
      const { history, revision } = await world.ends(id, 'completed')
      expect(revision).toBe(5)
      expect(history).toHaveLength(10)
      expect((await world.commands(id)).map(({ saga_step }) => saga_step)).toEqual([
        'reserve',
        'hold',
        'charge',
        'ship',
      ])
    }
    expect(await world.count('timer')).toBe(0)
    // Published in the order in which the messages were applied.
    const steps = (await world.commands())
      .slice(40)
      .map(({ saga_id, saga_step }) => `${saga_id} ${saga_step}`)
    expect(steps).toEqual(ids.flatMap((id) => [`${id} hold`, `${id} charge`, `${id} ship`]))
  })

  it('puts a reply for no saga, and a malformed one, among the dead letters, and goes on', async () => {
    const saga = orderSaga()
    const world = await sagaWorld({ partitions: 1 })
    await world.orchestrate([saga])
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    const reserve = await world.command(id, 1)
    const stranger = { ...reserve, saga_id: newId() }
    await world.publish(replyTopic, [
      replyRecord(stranger, 'ok', { reservationId: 'r-1' }),
      { key: 'x', value: '{', headers: { id: newId() } },
      { ...replyRecord(reserve, 'ok', {}), value: Buffer.from([0xff, 0xfe]) },
      { key: 'x', value: '{}', headers: { 'saga-id': 'no uuid', type: 'stock.reserve.reply' } },
      {
        key: 'x',
        value: '{"saga":"place-order"}',
        headers: { id: newId(), type: 'saga.start', version: '1' },
      },
      replyRecord(reserve, 'ok', { reservationId: 'r-1' }),
    ])
    await world.command(id, 2)
    const { rows } = await world.pool.query<Record<string, unknown>>(
      'select reason_code, reason, type, "offset"::integer, attempts, message_key, payload, headers from backstitch.dead_letter order by "offset"',
    )
    expect(rows.map(({ reason_code }) => reason_code)).toEqual([
      'REPLY_UNKNOWN',
      'MESSAGE_MALFORMED',
      'MESSAGE_MALFORMED',
      'MESSAGE_MALFORMED',
      'MESSAGE_MALFORMED',
    ])
    expect(rows[0]).toMatchObject({
      reason: expect.stringContaining(stranger.saga_id) as string,
      attempts: 1,
    })
    expect(rows[2]).toMatchObject({ payload: Buffer.from([0xff, 0xfe]), offset: 2, attempts: 0 })
    expect(world.log.filter(({ level }) => level === 'error')).toHaveLength(5)
    await world.until<number>(groupOffsets, [], (count) => count === 6)
  })

  it('commits offsets only after the database', async () => {
    const saga = orderSaga()
    const world = await sagaWorld({ partitions: 1 })
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    const points: string[] = []
    const offsetBefore = async () =>
      (await world.transport.admin().groupOffsets('orchestrator', replyTopic))[0] ?? 'none'
    await world.orchestrate([saga], {
      testSignals: {
        reach: async (point) => {
          if (!/^orchestrator\.(commit|offsets)\./.test(point)) return
          points.push(`${point} ${await offsetBefore()} ${await world.count('outbox')}`)
        },
      },
    })
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r-1' })
    await world.command(id, 2)
    await expect.poll(() => points.length).toBe(4)
    expect(points).toEqual([
      'orchestrator.commit.before none 1',
      'orchestrator.commit.after none 2',
      'orchestrator.offsets.before none 2',
      'orchestrator.offsets.after 1 2',
    ])
  })

  it('sends the same ids when a batch is done again after its connection was lost before the commit', async () => {
    const saga = orderSaga()
    const world = await sagaWorld({ partitions: 1 })
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    let batches = 0
    await world.orchestrate([saga], {
      testSignals: {
        reach: async (point) => {
          if (point !== 'orchestrator.commit.before' || batches++ > 0) return
          await world.pool.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'backstitch orchestrator' and state = 'idle in transaction'`,
          )
        },
      },
    })
    const reply = replyRecord(await world.command(id, 1), 'ok', { reservationId: 'r-1' })
    await world.publish(replyTopic, [reply])
    const hold = await world.command(id, 2)
    expect(batches).toBe(2)
    const message = commandMessage(
      { id, name: saga.name, orchestrator: saga.orchestrator },
      {
        kind: 'send',
        command: HoldCarrier,
        request: {},
        key: 'o-1',
        step: 'hold',
        direction: 'do',
        round: 1,
        attempt: 1,
      },
      causeOfMessage({
        id: reply.headers['id']!,
        createdAtUs: BigInt(reply.headers['created-at']!),
        context: {},
      }),
    )
    expect(hold.id).toBe(message.id)
    const waits = world.log.filter(({ message: line }) => line.startsWith('a partition waits'))
    expect(waits).toMatchObject([{ level: 'warn', fields: { code: 'DATABASE_UNREACHABLE' } }])
    expect(world.log.filter(({ message: line }) => line === 'a partition goes on')).toHaveLength(1)
  })
})
