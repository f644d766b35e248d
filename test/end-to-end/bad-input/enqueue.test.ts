import { createOutbox, type ErrorCode } from 'backstitch'
import knex from 'knex'
import { expect, onTestFinished, test } from 'vitest'
import { OrderPlaced } from './world/shop.ts'
import { TopicReader } from './world/topic-reader.ts'
import { World } from './world/world.ts'

const outbox = createOutbox({ service: 'orders' })
const tiny = createOutbox({ service: 'orders', limits: { bytesMax: 40, depthMax: 4 } })
const valid = (orderId: string) => OrderPlaced.create({ orderId, total: 1 })

/** What a caller may get wrong, as the call that throws. */
const mistakes: readonly [
  what: string,
  code: ErrorCode,
  says: RegExp,
  make: () => Parameters<typeof outbox.enqueue>[1],
][] = [
  [
    'a field of the wrong type',
    'MESSAGE_INVALID',
    /order\.placed v1: total: .*expected number/,
    () => OrderPlaced.create({ orderId: 'o-1', total: 'ten' as unknown as number }),
  ],
  [
    'two wrong fields',
    'MESSAGE_INVALID',
    /orderId: .*; total: /,
    () => OrderPlaced.create({} as unknown as { orderId: string; total: number }),
  ],
  ['a key that is empty', 'MESSAGE_INVALID', /order\.placed v1: .*key/, () => valid('')],
  ['a key with a NUL', 'MESSAGE_INVALID', /order\.placed v1: .*key/, () => valid('a\0b')],
  [
    'a header name of ours',
    'MESSAGE_INVALID',
    /header name "id"/,
    () => OrderPlaced.create({ orderId: 'o-1', total: 1 }, { headers: { id: 'mine' } }),
  ],
  ['a value that is no message', 'MESSAGE_INVALID', /is no message/, () => null as unknown as []],
]

test('an invalid message is refused before it reaches the database: the transaction goes on, and its other messages are delivered', async () => {
  const world = await World.open()
  await world.createTopics('order')
  await world.relay().start()
  const client = await world.pool.connect()
  try {
    await client.query('begin')
    await client.query(`insert into invoice (order_id, total) values ('by hand', 1)`)
    await outbox.enqueue(client, valid('before'))
    for (const [what, code, says, make] of mistakes) {
      const attempt = async (): Promise<void> => outbox.enqueue(client, make())
      await expect(attempt(), what).rejects.toMatchObject({
        code,
        retriable: false,
        message: expect.stringMatching(says) as string,
      })
    }
    await expect(
      tiny.enqueue(client, valid('a name that is too long for so small a limit')),
    ).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      message: expect.stringMatching(
        /order\.placed v1: \d+ bytes, the limit is 40\. Send a reference/,
      ) as string,
    })
    // one of a list: none of it is written
    const refused = { ...valid('third'), key: '' }
    await expect(outbox.enqueue(client, [valid('first'), valid('second'), refused])).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
    })
    await outbox.enqueue(client, valid('after'))
    await client.query('commit')
  } finally {
    client.release()
  }
  expect(await world.invoices()).toEqual(['by hand'])
  const reader = await TopicReader.of(world.topicOf('order'))
  await reader.holds('after', ['{"orderId":"after","total":1}'])
  expect(reader.values()).toEqual(['{"orderId":"before","total":1}', '{"orderId":"after","total":1}'])
})

test('in a knex transaction as well', async () => {
  const world = await World.open()
  const database = knex({ client: 'pg', connection: world.url })
  onTestFinished(() => database.destroy())
  await database.transaction(async (tx) => {
    await expect(outbox.enqueue(tx, { ...valid('o-1'), key: '' })).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
    })
    await tx('invoice').insert({ order_id: 'by hand', total: 1 })
    await outbox.enqueue(tx, valid('o-2'))
  })
  const { rows } = await world.pool.query('select aggregateid from backstitch.outbox')
  expect([rows, await world.invoices()]).toEqual([[{ aggregateid: 'o-2' }], ['by hand']])
})

test('a caller that lets the error through loses all of its transaction: neither change nor message remains', async () => {
  const world = await World.open()
  const database = knex({ client: 'pg', connection: world.url })
  onTestFinished(() => database.destroy())
  const attempt = database.transaction(async (tx) => {
    await tx('invoice').insert({ order_id: 'by hand', total: 1 })
    await outbox.enqueue(tx, valid('o-1'))
    await outbox.enqueue(tx, { ...valid('o-2'), key: '' })
  })
  await expect(attempt).rejects.toMatchObject({ code: 'MESSAGE_INVALID' })
  expect((await world.pool.query('select from backstitch.outbox')).rowCount).toBe(0)
  expect(await world.invoices()).toEqual([])
})
