import { describe, expect, it } from 'vitest'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { pgSagaStore } from '../../../src/postgres/saga/pg-saga-store.ts'
import { advance } from '../../../src/saga/machine/saga-machine.ts'
import type { SagaState } from '../../../src/saga/machine/saga-state.ts'
import type { SagaInstance } from '../../../src/saga/saga-store.ts'
import { causeOfOperator } from '../../../src/saga/transition/saga-cause.ts'
import { inHand, sagaWriter } from '../../../src/saga/transition/saga-writer.ts'
import { writeOutcome } from '../../../src/saga/transition/write-outcome.ts'
import { jsonCodec } from '../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../src/message/limits.ts'
import { replyRecord, replyTopic, sagaWorld, type SagaWorld } from './saga-world.ts'
import { orderSaga } from './shop.ts'

const saga = orderSaga()
const reserved = {
  kind: 'reply',
  step: 'reserve',
  direction: 'do',
  round: 1,
  attempt: 1,
  outcome: 'ok',
  body: { reservationId: 'r' },
} as const

async function startMany(world: SagaWorld, count: number): Promise<readonly string[]> {
  const orders = Array.from({ length: count }, (_, n) => ({ orderId: `o-${n}`, total: 1 }))
  return (await world.transaction((tx) => saga.startMany(tx, orders))).map(({ id }) => id)
}

function writerOf(instances: Iterable<SagaInstance>): ReturnType<typeof sagaWriter> {
  const writer = sagaWriter({ codec: jsonCodec, limits: defaultBodyLimits })
  for (const instance of instances)
    writer.record(
      inHand(instance),
      advance(saga, JSON.parse(instance.state) as SagaState, reserved),
      causeOfOperator(),
    )
  return writer
}

describe('a batch in which not all is well', () => {
  it('writes neither command nor history nor timer of a saga that has moved since it was loaded', async () => {
    const world = await sagaWorld()
    const store = pgSagaStore('backstitch', 'orchestrator')
    const [passed, other] = await startMany(world, 2)
    await world.transaction(async (tx) => {
      const { instances } = await store.receive(tx, [], [passed!, other!].sort())
      // As if another process had moved it meanwhile; the lock makes that impossible where everybody takes it.
      await tx.query('update backstitch.saga_instance set revision = 5 where id = $1', [passed])
      const moved = await store.write(tx, writerOf(instances.values()).writes())
      expect([...moved]).toEqual([other])
    })
    expect(await world.commands(passed)).toHaveLength(1)
    expect(await world.commands(other)).toHaveLength(2)
    const { rows } = await world.pool.query(
      'select distinct saga_id, step from backstitch.timer order by step',
    )
    expect(rows).toEqual([
      { saga_id: other, step: 'hold' },
      { saga_id: passed, step: 'reserve' },
    ])
    expect(await world.operator([]).show(passed!)).toMatchObject({
      history: [{ kind: 'started' }, { kind: 'sent' }],
    })
  })

  it('rolls the whole batch back, claims included, when one of two sagas has moved', async () => {
    const world = await sagaWorld()
    const store = pgSagaStore('backstitch', 'orchestrator')
    const [passed, other] = await startMany(world, 2)
    const message = '01890000-0000-7000-8000-000000000001'
    const batch = pgDatabase(world.pool).transaction(async (tx) => {
      const { instances } = await store.receive(
        tx,
        [{ source: 'topic', id: message }],
        [passed!, other!].sort(),
      )
      await tx.query('update backstitch.saga_instance set revision = 5 where id = $1', [passed])
      await writeOutcome(store, tx, writerOf(instances.values()))
    })
    await expect(batch).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT', retriable: true })
    expect(await world.count('outbox')).toBe(2)
    expect(await world.count('inbox')).toBe(0)
    expect(await world.operator([]).show(other!)).toMatchObject({ revision: 1, status: 'running' })
  })

  it('locks the sagas of a batch when it loads them, so that it sees what the one before it has left', async () => {
    const world = await sagaWorld()
    const store = pgSagaStore('backstitch', 'orchestrator')
    const [id] = await startMany(world, 1)
    const loaded = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const first = world.transaction(async (tx) => {
      const { instances } = await store.receive(tx, [], [id!])
      loaded.resolve()
      await release.promise
      await writeOutcome(store, tx, writerOf(instances.values()))
    })
    await loaded.promise
    const second = world.transaction(async (tx) => (await store.receive(tx, [], [id!])).instances.get(id!))
    await world.until<number>(
      `select count(*)::integer from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      [],
      (count) => count === 1,
    )
    release.resolve()
    await first
    expect(await second).toMatchObject({ revision: 2 })
  })

  it('parks a saga whose state cannot be read, keeps its message, and moves the others of the batch', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const ids = await startMany(world, 5)
    const poisoned = ids[2]!
    await world.pool.query(`update backstitch.saga_instance set state = '{' where id = $1`, [poisoned])
    const commands = await world.commands()
    await world.publish(
      replyTopic,
      commands.map((command) => replyRecord(command, 'ok', { reservationId: 'r' })),
    )
    await world.orchestrate([saga])
    const { reason } = await world.ends(poisoned, 'parked')
    expect(reason).toContain('SAGA_MESSAGE_FAILED')
    for (const id of ids) expect(await world.commands(id)).toHaveLength(id === poisoned ? 1 : 2)
    const { rows } = await world.pool.query('select reason_code from backstitch.dead_letter')
    expect(rows).toEqual([{ reason_code: 'SAGA_MESSAGE_FAILED' }])
    // All five in one transaction: nothing had to be done again.
    expect(await world.count('inbox')).toBe(5)
  })

  it('finds the one message that the database refuses, parks its saga alone, and lets the operator’s retry go on from there', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const ids = await startMany(world, 9)
    const refused = ids[6]!
    await world.pool.query(
      `alter table backstitch.outbox add constraint no_luck check (saga_id <> '${refused}' or saga_step <> 'hold') not valid`,
    )
    let commits = 0
    await world.orchestrate([saga], {
      testSignals: { reach: (point) => void (point === 'orchestrator.commit.after' && commits++) },
    })
    const commands = await world.commands()
    await world.publish(
      replyTopic,
      commands.map((command) => replyRecord(command, 'ok', { reservationId: 'r' })),
    )
    const parked = await world.ends(refused, 'parked')
    expect(parked.reason).toContain('no_luck')
    expect(parked.history.map(({ kind }) => kind)).toEqual(['started', 'sent', 'parked'])
    expect(parked.timers).toEqual([])
    for (const id of ids) if (id !== refused) await world.command(id, 2)
    // Halves: 4 + (2 + (1, the refused one) + 2), so fewer than one by one.
    await world.until<number>('select count(*)::integer from backstitch.inbox', [], (count) => count === 9)
    expect(commits).toBeLessThan(9)

    await world.pool.query('alter table backstitch.outbox drop constraint no_luck')
    await world.operator([saga]).retry(refused, { actor: 'ann', reason: 'corrected' })
    const again = await world.command(refused, 2)
    expect(again).toMatchObject({ saga_step: 'reserve', saga_attempt: 2 })
    await world.reply(again, 'ok', { reservationId: 'r' })
    expect(await world.command(refused, 3)).toMatchObject({ saga_step: 'hold' })
  })

  it('dead-letters a start that the database refuses, and starts the others', async () => {
    const service = await sagaWorld({ parts: ['outbox'] })
    const world = await sagaWorld({ partitions: 1 })
    await world.pool.query(
      `alter table backstitch.outbox add constraint no_luck check (aggregateid <> 'o-1') not valid`,
    )
    await service.transaction((tx) =>
      saga.startMany(
        tx,
        ['o-0', 'o-1', 'o-2'].map((orderId) => ({ orderId, total: 1 })),
      ),
    )
    const { rows } = await service.pool.query<Record<string, string>>(
      'select * from backstitch.outbox order by seq',
    )
    await world.publish(
      'outbox.event.orchestrator.saga',
      rows.map((row) => ({
        key: 'same',
        value: row['payload']!,
        headers: { id: row['id']!, type: 'saga.start' },
      })),
    )
    await world.orchestrate([saga])
    await world.until<number>('select count(*)::integer from backstitch.inbox', [], (count) => count === 3)
    expect((await world.commands()).map(({ body }) => body['orderId'])).toEqual(['o-0', 'o-2'])
    const letters = await world.pool.query('select reason_code, reason from backstitch.dead_letter')
    expect(letters.rows).toMatchObject([
      { reason_code: 'SAGA_MESSAGE_FAILED', reason: expect.stringContaining('no_luck') as string },
    ])
    expect(await world.count('saga_business_key')).toBe(2)
  })

  it('parks one saga for a reply that does not fit its contract', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const ids = await startMany(world, 2)
    const [first, second] = await world.commands()
    await world.orchestrate([saga])
    await world.publish(replyTopic, [
      replyRecord(first!, 'ok', { reservation: 7 }),
      replyRecord(second!, 'ok', { reservationId: 'r' }),
    ])
    const { reason } = await world.ends(ids[0]!, 'parked')
    expect(reason).toContain('SAGA_REPLY_INVALID')
    await world.command(ids[1]!, 2)
  })

  it.each([
    ['its transaction', ''],
    ['a statement of its role', 'statement_timeout'],
  ])('makes a batch smaller that takes longer than %s may', async (_, setting) => {
    const world = await sagaWorld({ partitions: 1 })
    const ids = await startMany(world, 60)
    const answers = (await world.commands()).map((command) => ({
      ...replyRecord(command, 'ok', { reservationId: 'r' }),
      key: 'k',
    }))
    await world.pool.query(
      `create function backstitch.slow() returns trigger language plpgsql as $$ begin
         perform pg_sleep(0.02);
         return new;
       end $$;
       create trigger slow before update on backstitch.saga_instance for each row execute function backstitch.slow()`,
    )
    if (setting !== '')
      await world.pool.query(
        `do $$ begin execute format('alter database %I set ${setting} = 600', current_database()); end $$`,
      )
    await world.publish(replyTopic, answers)
    await world.orchestrate([saga], setting === '' ? { transactionMsMax: 600 } : {})
    for (const id of ids) await world.command(id, 2)
    expect(await world.count('dead_letter')).toBe(0)
  })

  it('sets the timers of a saga back that the database lets nobody park, and fires the others', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const ids = await startMany(world, 3)
    await world.pool.query(
      `create function backstitch.refuse() returns trigger language plpgsql as $$ begin
         if new.id = '${ids[0]}' then raise exception 'not this one'; end if;
         return new;
       end $$;
       create trigger refuse before update on backstitch.saga_instance for each row execute function backstitch.refuse()`,
    )
    await world.pool.query(
      `update backstitch.timer set due_at = clock_timestamp() - interval '1 minute' where saga_id = '${ids[0]}'`,
    )
    await world.pool.query(
      `update backstitch.timer set due_at = clock_timestamp() where saga_id <> '${ids[0]}'`,
    )
    await world.orchestrate([saga])
    expect(await world.command(ids[1]!, 2)).toMatchObject({ saga_attempt: 2 })
    expect(await world.command(ids[2]!, 2)).toMatchObject({ saga_attempt: 2 })
    await world.until<boolean>(
      `select due_at > clock_timestamp() + interval '10 seconds' from backstitch.timer where saga_id = $1`,
      [ids[0]],
      (isLater) => isLater,
    )
    expect(world.log).toContainEqual(
      expect.objectContaining({
        level: 'error',
        fields: expect.objectContaining({ sagaId: ids[0] }) as unknown,
      }),
    )
  })

  it('parks the saga of a timer whose command the database refuses, and fires the others', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const ids = await startMany(world, 3)
    await world.pool.query(
      `alter table backstitch.outbox add constraint no_luck check (saga_id <> '${ids[1]}' or saga_attempt < 2) not valid`,
    )
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    await world.orchestrate([saga])
    const { reason } = await world.ends(ids[1]!, 'parked')
    expect(reason).toContain('no_luck')
    expect(await world.command(ids[0]!, 2)).toMatchObject({ saga_attempt: 2 })
    expect(await world.command(ids[2]!, 2)).toMatchObject({ saga_attempt: 2 })
  })
})
