import { createOutbox } from 'backstitch'
import { describe, expect, test } from 'vitest'
import { backstitch } from '../../integration/cli/backstitch-process.ts'
import { kafkaBrokers } from '../../support/services.ts'
import { OrderPlaced } from './world/shop.ts'
import { TopicReader } from './world/topic-reader.ts'
import { World } from './world/world.ts'

const kinds = ['relay', 'consumer', 'participant', 'orchestrator'] as const
const order = { key: 'o-1', payload: '{"orderId":"o-1","total":1}' }

describe('a database that was never migrated', () => {
  test.each(kinds)('refuses the start of the %s, naming the schema and the command', async (kind) => {
    const world = await World.open({ migrated: false })
    const part = world[kind]()
    await expect(part.start()).rejects.toMatchObject({
      code: 'SCHEMA_MISSING',
      retriable: false,
      message: expect.stringMatching(
        /The schema backstitch has no \w.*\. Run `backstitch migrate`/,
      ) as string,
    })
    await part.stop()
  })

  test('refuses a message with the same words, and takes it once it is migrated', async () => {
    const world = await World.open({ migrated: false })
    const outbox = createOutbox({ service: 'orders' })
    const message = OrderPlaced.create({ orderId: 'o-1', total: 1 })
    const client = await world.pool.connect()
    try {
      await client.query('begin')
      await expect(outbox.enqueue(client, message)).rejects.toMatchObject({
        code: 'SCHEMA_MISSING',
        message: expect.stringContaining('Run `backstitch migrate`') as string,
      })
      await client.query('rollback')
      await world.migrate()
      await client.query('begin')
      await outbox.enqueue(client, message)
      await client.query('commit')
    } finally {
      client.release()
    }
    const { rows } = await world.pool.query('select id::text from backstitch.outbox')
    expect(rows).toEqual([{ id: message.id }])
  })
})

describe('a database that a newer version has migrated', () => {
  const parts = {
    relay: 'outbox',
    consumer: 'inbox',
    participant: 'participant',
    orchestrator: 'saga',
  } as const

  test.each(kinds)(
    'refuses the start of the %s, naming the migration; rows wait for the newer code',
    async (kind) => {
      const world = await World.open()
      await world.insert(order)
      await world.pool.query(
        `insert into backstitch.backstitch_migration (name, part) values ('9001-of-the-future', $1)`,
        [parts[kind]],
      )
      const part = world[kind]()
      await expect(part.start()).rejects.toMatchObject({
        code: 'SCHEMA_NEWER',
        message: expect.stringMatching(
          /9001-of-the-future\. Deploy the newer version of the package\.$/,
        ) as string,
      })
      await part.stop()
    },
  )

  test('ends the relay’s process with 1 and the words, and an older migrate changes nothing', async () => {
    const world = await World.open()
    await world.insert(order)
    await world.pool.query(
      `insert into backstitch.backstitch_migration (name, part) values ('9001-of-the-future', 'outbox')`,
    )
    const environment = {
      DATABASE_URL_ORDERS: world.url,
      KAFKA_BROKERS: kafkaBrokers().join(','),
      TOPIC_PREFIX: world.topicPrefix,
    }
    const relay = await backstitch(['relay', '--database', 'orders'], environment)
    expect(relay.code).toBe(1)
    expect(relay.err).toMatch(
      /^SCHEMA_NEWER: .* 9001-of-the-future\. Deploy the newer version of the package\.\n$/,
    )
    const down = await backstitch(['migrate', 'down', '--database', 'orders', '--yes'], environment)
    expect(down.code).toBe(1)
    expect(down.err).toMatch(/^SCHEMA_NEWER: /)

    // the newer code comes: what has waited is published
    await world.pool.query(`delete from backstitch.backstitch_migration where name = '9001-of-the-future'`)
    await world.createTopics('order')
    await world.relay().start()
    await (await TopicReader.of(world.topicOf('order'))).holds('o-1', [order.payload])
  })
})
