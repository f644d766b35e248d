import { on } from 'backstitch'
import { expect, test } from 'vitest'
import { OrderPlaced } from './world/shop.ts'
import { World } from './world/world.ts'

const order = (orderId: string) => ({ key: orderId, payload: `{"orderId":"${orderId}","total":1}` })

test('a handler that throws is tried again, its effects rolled back each time; then the message is a dead letter, and the others go on', async () => {
  const world = await World.open()
  await world.createTopics('order')
  await world.insert(
    order('first'),
    order('never'),
    order('at the third try'),
    order('throws no error'),
    order('last'),
  )
  const tries: string[] = []
  const consumer = world.consumer({
    handlers: [
      on(OrderPlaced, async ({ body: { orderId } }, { tx, attempt }) => {
        tries.push(`${orderId} ${attempt}`)
        await tx.query('insert into invoice (order_id, total) values ($1, 1)', [orderId])
        if (orderId === 'never') throw new Error('the printer is on fire')
        if (orderId === 'at the third try' && attempt < 3) throw new Error('out of paper')
        if (orderId === 'throws no error') throw null as unknown as Error
      }),
    ],
  })
  await Promise.all([world.relay().start(), consumer.start()])
  await expect
    .poll(async () => (await world.invoices()).toSorted(), { timeout: 20_000 })
    .toEqual(['at the third try', 'first', 'last'])
  await expect.poll(async () => (await world.deadLetters()).length, { timeout: 20_000 }).toBe(2)

  // Each key in order; keys do not wait for each other.
  const triesOf = (orderId: string): readonly string[] => tries.filter((one) => one.startsWith(`${orderId} `))
  const thrice = (orderId: string): readonly string[] => [1, 2, 3].map((attempt) => `${orderId} ${attempt}`)
  for (const orderId of ['never', 'at the third try', 'throws no error'])
    expect(triesOf(orderId)).toEqual(thrice(orderId))
  for (const orderId of ['first', 'last']) expect(triesOf(orderId)).toEqual([`${orderId} 1`])
  expect(tries).toHaveLength(11)
  const letters = await world.deadLetters()
  const letter = letters.find(({ reason }) => reason === 'the printer is on fire')
  const odd = letters.find(({ reason }) => reason === 'null')
  expect(letter).toMatchObject({
    reason_code: 'HANDLER_FAILED',
    reason: 'the printer is on fire',
    attempts: 3,
    type: 'order.placed',
    message_key: Buffer.from('never'),
    payload: Buffer.from(order('never').payload),
  })
  expect(letter?.stack).toContain('throwing-handler.test.ts')
  expect(odd).toMatchObject({ reason_code: 'HANDLER_FAILED', reason: 'null', attempts: 3 })
  const { rows } = await world.pool.query(
    `select id::text from backstitch.outbox where aggregateid = 'never'`,
  )
  expect(rows).toEqual([{ id: letter?.message_id }])
  await world.log.says({ level: 'warn', msg: 'handling a message failed; it is tried again', attempt: 1 })
  await world.log.says({
    level: 'error',
    msg: 'put a message among the dead letters',
    code: 'HANDLER_FAILED',
  })
  expect(consumer.health()).toEqual({ state: 'running' })
})

test('while one partition waits for its handler’s next try, the others go on', async () => {
  const world = await World.open()
  await world.createTopics({ aggregateType: 'order', partitions: 8 })
  const release = Promise.withResolvers<void>()
  const keys = Array.from({ length: 40 }, (_, n) => `o-${n}`)
  const stuckOn = new Set<number>()
  const consumer = world.consumer({
    handlers: [
      on(OrderPlaced, async ({ body: { orderId }, partition }, { tx, attempt }) => {
        if (orderId === 'o-0' && attempt === 1) {
          stuckOn.add(partition)
          await release.promise
          throw new Error('once')
        }
        await tx.query('insert into invoice (order_id, total) values ($1, 1)', [orderId])
        if (!stuckOn.has(partition)) others.add(partition)
      }),
    ],
  })
  const others = new Set<number>()
  // Stuck first: partitions that were through before it would prove nothing.
  await world.insert(order('o-0'))
  await Promise.all([world.relay().start(), consumer.start()])
  await expect.poll(() => stuckOn.size, { timeout: 20_000 }).toBe(1)
  await world.insert(...keys.slice(1).map(order))
  await expect.poll(() => others.size, { timeout: 20_000 }).toBeGreaterThanOrEqual(5)
  expect(await world.invoices()).not.toContain('o-0')
  release.resolve()
  await expect
    .poll(async () => (await world.invoices()).toSorted(), { timeout: 20_000 })
    .toEqual(keys.toSorted())
  expect(await world.deadLetters()).toEqual([])
})
