import { describe, expect, it } from 'vitest'
import { HoldCarrier, Order, orderSaga, ReserveStock } from './shop.ts'
import { replyRecord, replyTopic, sagaWorld, startTopic } from './saga-world.ts'
import { saga as sagaOf } from '../../../src/runtime/saga.ts'

const v1 = orderSaga()
const v2 = orderSaga({ version: 2 })
const setAside = 'select count(*)::integer from backstitch.saga_set_aside'

describe('a rolling deployment', () => {
  it('sets a message for a version that it lacks aside, and an orchestrator that has it takes it up when it starts', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const { id } = await world.transaction((tx) => v2.start(tx, { orderId: 'o-2', total: 1 }))
    const known = await world.transaction((tx) => v1.start(tx, { orderId: 'o-1', total: 1 }))
    const old = await world.orchestrate([v1])
    const answer = replyRecord(await world.command(id, 1), 'ok', { reservationId: 'r-2' })
    await world.publish(replyTopic, [
      answer,
      { ...replyRecord(await world.command(known.id, 1), 'ok', { reservationId: 'r-1' }), key: answer.key },
    ])
    await world.command(known.id, 2)
    await world.until<number>(setAside, [], (count) => count === 1)
    // A redelivery finds it claimed.
    await world.publish(replyTopic, [answer])
    expect(await world.count('dead_letter')).toBe(0)
    expect((await world.operator([]).show(id)).status).toBe('running')
    await old.stop()

    await world.orchestrate([v1, v2])
    expect(await world.command(id, 2)).toMatchObject({
      saga_step: 'hold',
      causation_id: answer.headers['id'],
    })
    await world.until<number>(setAside, [], (count) => count === 0)
    expect(await world.count('inbox')).toBe(2)
  })

  it('takes up periodically, side by side with the old version, and fires the timers of its own versions alone', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const { id } = await world.transaction((tx) => v2.start(tx, { orderId: 'o-2', total: 1 }))
    await world.orchestrate([v1])
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    const known = await world.transaction((tx) => v1.start(tx, { orderId: 'o-1', total: 1 }))
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp() where saga_id = $1', [
      known.id,
    ])
    await world.command(known.id, 2)
    expect(await world.commands(id)).toHaveLength(1)

    // One partition: the old one keeps it, the new one has the timers and what is set aside.
    await world.orchestrate([v1, v2], { setAsideIntervalMs: 20 })
    await world.command(id, 2)
    const [first] = await world.commands(id)
    await world.reply(first!, 'ok', { reservationId: 'r-2' })
    expect(await world.command(id, 3)).toMatchObject({ saga_step: 'hold' })
    await world.until<number>(setAside, [], (count) => count === 0)
  })

  it('sets a start for a version that it lacks aside', async () => {
    const service = await sagaWorld({ parts: ['outbox'] })
    const world = await sagaWorld({ partitions: 1 })
    const old = await world.orchestrate([v1])
    const { id } = await service.transaction((tx) => v2.start(tx, { orderId: 'o-2', total: 1 }))
    const { rows } = await service.pool.query<Record<string, string>>('select * from backstitch.outbox')
    await world.publish(startTopic, [
      { key: 'o-2', value: rows[0]!['payload']!, headers: { id: rows[0]!['id']!, type: 'saga.start' } },
    ])
    await world.until<number>(setAside, [], (count) => count === 1)
    expect(await world.count('saga_business_key')).toBe(0)
    await old.stop()
    await world.orchestrate([v2])
    await world.command(id, 1)
    await world.until<number>(setAside, [], (count) => count === 0)
  })

  it('moves an instance of another form of the same version as long as the steps fit, and says so', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const shorter = sagaOf('place-order', { version: 1, input: Order, key: (order) => order.orderId })
      .step('reserve', { send: ReserveStock, with: ({ input }) => ({ orderId: input.orderId }) })
      .build()
    const { id } = await world.transaction((tx) => shorter.start(tx, { orderId: 'o-1', total: 1 }))
    await world.orchestrate([v1])
    expect(world.log).toContainEqual({
      level: 'warn',
      message: expect.stringContaining('another form of this version') as string,
      fields: { saga: 'place-order', version: 1 },
    })
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r' })
    await world.command(id, 2)
    expect(await world.operator([]).show(id)).toMatchObject({ hash: shorter.hash })
  })

  it('leaves an instance alone whose steps it lacks, with its timer', async () => {
    const world = await sagaWorld({ partitions: 1 })
    const other = sagaOf('place-order', { version: 1, input: Order, key: (order) => order.orderId })
      .step('book', { send: ReserveStock, with: ({ input }) => ({ orderId: input.orderId }) })
      .step('hold', {
        send: HoldCarrier,
        with: ({ input, done }) => ({ orderId: input.orderId, ...done.book }),
      })
      .build()
    const { id } = await world.transaction((tx) => other.start(tx, { orderId: 'o-1', total: 1 }))
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    const old = await world.orchestrate([v1], { setAsideIntervalMs: 20 })
    await world.until<boolean>(
      'select due_at > clock_timestamp() from backstitch.timer',
      [],
      (isLater) => isLater,
    )
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r' })
    await world.until<number>(setAside, [], (count) => count === 1)
    expect(await world.operator([]).show(id)).toMatchObject({
      status: 'running',
      history: [{ kind: 'started' }, { kind: 'sent' }],
    })
    await old.stop()
    await world.orchestrate([other])
    expect(await world.command(id, 2)).toMatchObject({ saga_step: 'hold' })
    await world.until<number>(setAside, [], (count) => count === 0)
  })
})
