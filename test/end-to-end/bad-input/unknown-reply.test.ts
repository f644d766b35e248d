import { expect, test } from 'vitest'
import { placeOrder } from './world/shop.ts'
import { World } from './world/world.ts'

const nobody = '0198a1b2-0000-7000-8000-0000000000aa'

test('a reply for no saga becomes a dead letter, and the sagas behind it on the partition go on', async () => {
  const world = await World.open()
  await world.createTopics('stock.command', 'orchestrator.reply', 'orchestrator.saga')
  const value = '{"reservationId":"r-1"}'
  const reply = (
    headers: Readonly<Record<string, string>>,
    body: string = value,
  ): Parameters<ReturnType<typeof world.transport.publisher>['publish']>[0][number] => ({
    topic: world.topicOf('orchestrator.reply'),
    partition: 0,
    key: nobody,
    value: body,
    headers: Object.entries(headers),
  })
  const publisher = world.transport.publisher()
  await publisher.open()
  const address = { type: 'stock.reserve.reply', 'saga-id': nobody, 'saga-step': 'reserve', outcome: 'ok' }
  expect(
    await publisher.publish(
      [
        reply({ ...address, id: '0198a1b2-0000-7000-8000-000000000001' }),
        reply({ type: 'stock.reserve.reply', outcome: 'ok' }),
        reply({ ...address, outcome: 'ok' }, 'no json'),
      ],
      { deadlineMs: 10_000 },
    ),
  ).toEqual({ kind: 'acknowledged' })
  await publisher.close()

  const client = await world.pool.connect()
  await client.query('begin')
  const { id } = await placeOrder.start(client, { orderId: 'o-1', total: 1 })
  await client.query('commit')
  client.release()
  const orchestrator = world.orchestrator()
  await Promise.all([orchestrator.start(), world.participant().start(), world.relay().start()])
  const status = async (): Promise<unknown> =>
    (await world.pool.query('select status from backstitch.saga_instance where id = $1', [id])).rows
  await expect.poll(status, { timeout: 20_000 }).toEqual([{ status: 'completed' }])

  const letters = await world.deadLetters()
  expect(letters.map(({ reason_code, type }) => [reason_code, type])).toEqual([
    ['REPLY_UNKNOWN', 'stock.reserve.reply'],
    ['MESSAGE_MALFORMED', 'stock.reserve.reply'],
    ['MESSAGE_MALFORMED', 'stock.reserve.reply'],
  ])
  expect(letters[0]).toMatchObject({
    message_id: '0198a1b2-0000-7000-8000-000000000001',
    message_key: Buffer.from(nobody),
    payload: Buffer.from(value),
  })
  expect(letters[0]?.reason).toBe(
    `REPLY_UNKNOWN: A reply belongs to no saga that this orchestrator knows. stock.reserve.reply: there is no saga ${nobody}. ` +
      'It was put among the dead letters; check which service sent it.',
  )
  expect(letters[1]?.reason).toContain('no header saga-id or saga-step')
  await world.log.says({ code: 'REPLY_UNKNOWN', level: 'error' })
  expect(orchestrator.health()).toEqual({ state: 'running' })
})
