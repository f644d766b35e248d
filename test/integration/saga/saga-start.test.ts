import knex from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sagaWorld, startTopic } from './saga-world.ts'
import { orderSaga } from './shop.ts'

describe('starting sagas', () => {
  it('begins with the caller’s transaction, and not at all when that rolls back', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const failing = world.transaction(async (tx) => {
      await saga.start(tx, { orderId: 'o-1', total: 1 })
      throw new Error('the caller thinks better of it')
    })
    await expect(failing).rejects.toThrow('thinks better')
    for (const table of ['saga_instance', 'saga_business_key', 'saga_history', 'timer', 'outbox'])
      expect(await world.count(table)).toBe(0)
    const { id, started } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    expect(started).toBe(true)
    expect(await world.operator([]).show(id)).toMatchObject({
      name: 'place-order',
      version: 1,
      businessKey: 'o-1',
      orchestrator: 'orchestrator',
      status: 'running',
      hash: saga.hash,
      timers: [{ step: 'reserve', direction: 'do', round: 1, attempt: 1 }],
    })
    const { rows } = await world.pool.query(
      'select name, version, hash, graph from backstitch.saga_definition',
    )
    expect(rows).toEqual([
      { name: 'place-order', version: 1, hash: saga.hash, graph: JSON.parse(JSON.stringify(saga.graph)) },
    ])
  })

  it('starts nothing a second time, also when the first saga has ended', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const order = { orderId: 'o-1', total: 1 }
    const first = await world.transaction((tx) => saga.start(tx, order))
    const second = await world.transaction((tx) => saga.start(tx, order))
    expect(second).toEqual({ id: first.id, started: false })
    await world.pool.query(`update backstitch.saga_instance set status = 'completed', ended_at = now()`)
    expect(await world.transaction((tx) => saga.start(tx, order))).toEqual({ id: first.id, started: false })
    // Its instance may be gone as well.
    await world.pool.query('delete from backstitch.saga_instance')
    expect(await world.transaction((tx) => saga.start(tx, order))).toEqual({ id: first.id, started: false })
    expect(await world.count('outbox')).toBe(1)
  })

  it('tells the started from the others in a list, in the order of the inputs', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const existing = await world.transaction((tx) => saga.start(tx, { orderId: 'b', total: 1 }))
    const starts = await world.transaction((tx) =>
      saga.startMany(
        tx,
        ['c', 'b', 'a', 'c'].map((orderId) => ({ orderId, total: 1 })),
      ),
    )
    expect(starts.map(({ started }) => started)).toEqual([true, false, true, false])
    expect(starts[1]!.id).toBe(existing.id)
    expect(starts[3]!.id).toBe(starts[0]!.id)
    expect((await world.commands()).map(({ body }) => body['orderId'])).toEqual(['b', 'c', 'a'])
  })

  it('leaves the transaction usable when an input is refused', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    await world.transaction(async (tx) => {
      await expect(saga.start(tx, { orderId: 'o-1', total: 'much' as never })).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      })
      await expect(saga.start(tx, { orderId: '', total: 1 })).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      })
      await expect(saga.start(tx, { orderId: 'o\0', total: 1 })).rejects.toMatchObject({
        code: 'MESSAGE_INVALID',
      })
      await saga.start(tx, { orderId: 'o-2', total: 1 })
    })
    expect(await world.count('saga_instance')).toBe(1)
  })

  it('does not deadlock two callers that start the same sagas in opposite order with startMany', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const keys = Array.from({ length: 50 }, (_, n) => `o-${String(n).padStart(2, '0')}`)
    for (let round = 0; round < 10; round++) {
      const orders = keys.map((key) => ({ orderId: `${key}-${round}`, total: 1 }))
      const [one, other] = await Promise.all([
        world.transaction((tx) => saga.startMany(tx, orders)),
        world.transaction((tx) => saga.startMany(tx, orders.toReversed())),
      ])
      const started = [...one, ...other].filter((start) => start.started === true)
      expect(started).toHaveLength(50)
      expect(new Set([...one, ...other].map(({ id }) => id)).size).toBe(50)
    }
    expect(await world.count('outbox')).toBe(500)
  })

  it('waits for another transaction that starts the same saga, then starts nothing; fails with 40001 in REPEATABLE READ', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const holder = await world.pool.connect()
    await holder.query('begin')
    const first = await saga.start(holder, { orderId: 'o-1', total: 1 })
    const second = world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    const third = world.transaction(async (tx) => {
      await tx.query('set transaction isolation level repeatable read')
      return saga.start(tx, { orderId: 'o-1', total: 1 })
    })
    const failure = expect(third).rejects.toMatchObject({ code: '40001' })
    await world.until<number>(
      `select count(*)::integer from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      [],
      (count) => count === 2,
    )
    await holder.query('commit')
    holder.release()
    expect(await second).toEqual({ id: first.id, started: false })
    await failure
  })

  it('waits for nobody who uses a definition for the first time, so that opposite orders are no deadlock', async () => {
    const world = await sagaWorld()
    const [one, two] = [orderSaga({ name: 'one' }), orderSaga({ name: 'two' })]
    const a = await world.pool.connect()
    const b = await world.pool.connect()
    await a.query('begin')
    await b.query('begin')
    await one.start(a, { orderId: 'a', total: 1 })
    await two.start(b, { orderId: 'b', total: 1 })
    const started = await Promise.all([
      two.start(a, { orderId: 'a', total: 1 }),
      one.start(b, { orderId: 'b', total: 1 }),
    ])
    expect(started.map(({ started: began }) => began)).toEqual([true, true])
    await a.query('commit')
    await b.query('rollback')
    a.release()
    b.release()
    // What was not stored for the sake of the one that rolled back is stored by the next start.
    expect(await world.count('saga_definition')).toBe(1)
    await world.transaction((tx) => two.start(tx, { orderId: 'c', total: 1 }))
    expect(await world.count('saga_definition')).toBe(2)
  })

  it('takes a knex transaction', async () => {
    const saga = orderSaga()
    const world = await sagaWorld()
    const instance = knex({ client: 'pg', connection: String(world.pool.options.connectionString) })
    onTestFinished(() => instance.destroy())
    const orders = ['o-1', 'o-2', 'o-1'].map((orderId) => ({ orderId, total: 1 }))
    const starts = await instance.transaction((tx) => saga.startMany(tx, orders))
    expect(starts.map(({ started }) => started)).toEqual([true, true, false])
    expect((await world.commands()).map(({ body }) => body['orderId'])).toEqual(['o-1', 'o-2'])
    await expect(saga.start(instance, { orderId: 'o-3', total: 1 })).rejects.toMatchObject({
      code: 'TRANSACTION_UNSUPPORTED',
    })
  })

  describe('from another database', () => {
    it('sends a message, which the orchestrator turns into the saga; a second one with the same key starts nothing', async () => {
      const saga = orderSaga()
      const service = await sagaWorld({ parts: ['outbox'] })
      const home = await sagaWorld()
      const start = () => service.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 9 }))
      const first = await start()
      await start()
      expect(first.started).toBeUndefined()
      const { rows } = await service.pool.query<Record<string, string>>(
        'select * from backstitch.outbox order by seq',
      )
      expect(rows[0]).toMatchObject({
        aggregatetype: 'orchestrator.saga',
        aggregateid: 'o-1',
        type: 'saga.start',
        correlation_id: first.id,
      })
      expect(rows[1]!['id']).not.toBe(rows[0]!['id'])

      await home.orchestrate([saga])
      await home.publish(
        startTopic,
        // The first is delivered twice; its caller’s transaction was retried, with an id of its own.
        [rows[0]!, ...rows].map((row) => ({
          key: row['aggregateid']!,
          value: row['payload']!,
          headers: {
            id: row['id']!,
            type: row['type']!,
            version: '1',
            traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
          },
        })),
      )
      const reserve = await home.command(first.id, 1)
      expect(reserve).toMatchObject({
        type: 'stock.reserve',
        body: { orderId: 'o-1' },
        causation_id: rows[0]!['id'],
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      })
      await home.until<number>('select count(*)::integer from backstitch.inbox', [], (count) => count === 2)
      expect(await home.count('saga_instance')).toBe(1)
      // The same key from the orchestrator’s own database.
      expect(await home.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 9 }))).toEqual({
        id: first.id,
        started: false,
      })
    })

    it('starts an ended saga no second time, whatever the inbox has forgotten', async () => {
      const saga = orderSaga()
      const service = await sagaWorld({ parts: ['outbox'] })
      const home = await sagaWorld()
      await home.orchestrate([saga])
      const { id } = await service.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 9 }))
      const { rows } = await service.pool.query<Record<string, string>>('select * from backstitch.outbox')
      const [row] = rows
      const record = {
        key: 'o-1',
        value: row!['payload']!,
        headers: { id: row!['id']!, type: 'saga.start', version: '1' },
      }
      await home.publish(startTopic, [record])
      await home.command(id, 1)
      await home.pool.query('truncate backstitch.inbox')
      await home.pool.query(`update backstitch.saga_instance set status = 'completed', ended_at = now()`)
      await home.publish(startTopic, [record])
      await home.until<number>('select count(*)::integer from backstitch.inbox', [], (count) => count === 1)
      expect(await home.count('saga_instance')).toBe(1)
      expect(await home.count('outbox')).toBe(1)
      expect(await home.count('dead_letter')).toBe(0)
    })

    it('hears a corrected start after one that became a dead letter', async () => {
      const service = await sagaWorld({ parts: ['outbox'] })
      const home = await sagaWorld({ partitions: 1 })
      await home.orchestrate([orderSaga()])
      const send = async (total: unknown): Promise<string> => {
        const { id } = await service.transaction((tx) => orderSaga().start(tx, { orderId: 'o-1', total: 9 }))
        const { rows } = await service.pool.query<Record<string, string>>(
          'select * from backstitch.outbox order by seq desc limit 1',
        )
        const request = JSON.parse(rows[0]!['payload']!) as { input: object }
        const value = JSON.stringify({ ...request, input: { ...request.input, total } })
        const headers = { id: rows[0]!['id']!, type: 'saga.start', version: '1' }
        await home.publish(startTopic, [{ key: 'o-1', value, headers }])
        return id
      }
      await send('much')
      await home.until<number>(
        'select count(*)::integer from backstitch.dead_letter',
        [],
        (count) => count === 1,
      )
      const id = await send(9)
      expect(await home.command(id, 1)).toMatchObject({ type: 'stock.reserve' })
    })

    it('dead-letters a start whose input does not fit', async () => {
      const saga = orderSaga()
      const home = await sagaWorld()
      await home.orchestrate([saga])
      await home.publish(startTopic, [
        {
          key: 'o-1',
          value: JSON.stringify({
            saga: 'place-order',
            version: 1,
            key: 'o-1',
            id: '01890000-0000-7000-8000-000000000001',
            input: { orderId: 7 },
          }),
          headers: { id: '01890000-0000-7000-8000-000000000002', type: 'saga.start', version: '1' },
        },
      ])
      await home.until<string>(
        'select reason_code from backstitch.dead_letter',
        [],
        (code) => code === 'MESSAGE_INVALID',
      )
      expect(await home.count('saga_business_key')).toBe(0)
    })
  })
})
