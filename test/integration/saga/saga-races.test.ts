import { describe, expect, it } from 'vitest'
import { recordTransactions } from '../../../src/inbox/record-transaction.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { jsonCodec } from '../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../src/message/limits.ts'
import type { SagaDefinition } from '../../../src/saga/definition/saga-definition.ts'
import { advance, startSaga } from '../../../src/saga/machine/saga-machine.ts'
import { messageApplier } from '../../../src/saga/orchestrator/message-applier.ts'
import { readSagaRecord } from '../../../src/saga/orchestrator/read-saga-record.ts'
import type { SagaWork } from '../../../src/saga/orchestrator/saga-work.ts'
import { timerDesk } from '../../../src/saga/orchestrator/timer-desk.ts'
import { definitionRegistry } from '../../../src/saga/transition/definition-registry.ts'
import { recordWith } from '../../unit/inbox/records.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { pgSagaStore } from '../../../src/postgres/saga/pg-saga-store.ts'
import { replyRecord, replyTopic, sagaWorld, type SagaWorld } from './saga-world.ts'
import { orderSaga } from './shop.ts'

const waitingForLock = `select count(*)::integer from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`

/** The parts of an orchestrator, played by hand. */
function sagaWork(world: SagaWorld, saga: SagaDefinition, reach: (point: string) => Promise<void>): SagaWork {
  return {
    group: 'orchestrator',
    store: pgSagaStore('backstitch', 'orchestrator'),
    transactions: recordTransactions(pgDatabase(world.pool), { msMax: 10_000 }),
    registry: definitionRegistry([saga]),
    machine: { startSaga, advance },
    encoding: { codec: jsonCodec, limits: defaultBodyLimits },
    logger: silentLogger,
    signals: { reach },
    clock: systemClock,
    committed: () => undefined,
  }
}

describe('a timer against a reply', () => {
  it('passes over a saga whose reply is being applied, without waiting, and finds no timer afterwards', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    const { key, value, headers } = replyRecord(await world.command(id, 1), 'ok', { reservationId: 'r-1' })
    const held = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const work = sagaWork(world, saga, async (point) => {
      if (point !== 'orchestrator.commit.before') return
      held.resolve()
      await release.promise
    })
    const record = recordWith({ topic: replyTopic, key, value: Buffer.from(value!), headers })
    const applied = messageApplier(work).apply([readSagaRecord(record, work.encoding)])
    await held.promise

    const poll = timerDesk(work)
    expect(await poll()).toEqual({ fired: 0, untilNextMs: expect.any(Number) as number })
    // It was there and due; only its saga was held.
    const { rows } = await world.pool.query(
      'select step from backstitch.timer where due_at <= clock_timestamp()',
    )
    expect(rows).toEqual([{ step: 'reserve' }])
    release.resolve()
    await applied
    expect(await poll()).toMatchObject({ fired: 0 })
    expect(await world.command(id, 2)).toMatchObject({ saga_step: 'hold', saga_attempt: 1 })
    const { timers } = await world.operator([]).show(id)
    expect(timers).toMatchObject([{ step: 'hold', attempt: 1 }])
  })

  it('makes a reply wait for the timer that is being fired, and applies it to what that has left', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    const reserve = await world.command(id, 1)
    const held = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    await world.orchestrate([saga], {
      testSignals: {
        reach: async (point) => {
          if (point !== 'orchestrator.timers.before') return
          held.resolve()
          await release.promise
        },
      },
    })
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    await held.promise
    await world.reply(reserve, 'ok', { reservationId: 'r-1' })
    await world.until<number>(waitingForLock, [], (count) => count === 1)
    expect(await world.commands(id)).toHaveLength(1)
    release.resolve()
    await world.command(id, 3)
    expect(
      (await world.commands(id)).map(({ saga_step, saga_attempt }) => [saga_step, saga_attempt]),
    ).toEqual([
      ['reserve', 1],
      ['reserve', 2],
      ['hold', 1],
    ])
    const { timers } = await world.operator([]).show(id)
    expect(timers).toMatchObject([{ step: 'hold' }])
  })

  it('fires each timer once, with several orchestrators polling', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const orders = Array.from({ length: 300 }, (_, n) => ({ orderId: `o-${n}`, total: 1 }))
    await world.transaction((tx) => saga.startMany(tx, orders))
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    await Promise.all([world.orchestrate([saga]), world.orchestrate([saga]), world.orchestrate([saga])])
    await world.until<number>('select count(*)::integer from backstitch.outbox', [], (count) => count >= 600)
    const { rows } = await world.pool.query(
      'select saga_attempt, count(*)::integer as n, count(distinct saga_id)::integer as sagas from backstitch.outbox group by 1 order by 1',
    )
    expect(rows).toEqual([
      { saga_attempt: 1, n: 300, sagas: 300 },
      { saga_attempt: 2, n: 300, sagas: 300 },
    ])
  })

  it('wakes in time for a timer that it has armed itself', async () => {
    const saga = orderSaga({ timeout: '50ms' })
    const world = await sagaWorld()
    const slow = orderSaga({ name: 'slow' })
    // Were it not told, it would sleep a minute.
    await world.orchestrate([saga, slow], { timerPauseMaxMs: 60_000 })
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r-1' })
    await world.until<number>(
      `select count(*)::integer from backstitch.outbox where saga_step = 'hold' and saga_attempt = 2`,
      [],
      (count) => count === 1,
    )
  })
})
