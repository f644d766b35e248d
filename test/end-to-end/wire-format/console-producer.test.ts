import { createConsumer, event, on } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { platformatic } from 'backstitch/platformatic'
import { migrate } from 'backstitch/postgres'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { kafkaConsoleProducer } from '../../../dev-services/index.ts'
import { createDatabase, kafkaBrokers, uniqueName } from '../../support/services.ts'

const OrderPlaced = event('order.placed', {
  version: 1,
  key: (order) => order.orderId,
  payload: z.object({ orderId: z.string(), text: z.string() }),
})
const topic = uniqueName('orders')
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
/** Long and repetitive, so that each codec has something to do. */
const text = 'Ünïcödé 😀 und so weiter. '.repeat(200)
let pool: Pool

beforeAll(async () => {
  pool = new Pool({ connectionString: (await createDatabase()).url })
  await migrate({ database: pool, parts: ['inbox'] })
  await pool.query('create table seen (group_name text, order_id text, key text, text text, note text)')
  const admin = kafkajs({ brokers: kafkaBrokers() }).admin()
  await admin.createTopics([{ topic, partitions: 1 }])
  await admin.close()
  for (const compression of compressions) {
    const properties = {
      'parse.headers': 'true',
      'parse.key': 'true',
      'key.separator': '|',
      'headers.delimiter': '|',
      'null.marker': 'NULL',
    }
    await kafkaConsoleProducer({
      brokers: kafkaBrokers(),
      args: [
        `--topic=${topic}`,
        `--compression-codec=${compression}`,
        ...Object.entries(properties).flatMap(([name, value]) => ['--reader-property', `${name}=${value}`]),
      ],
      lines: [
        ...[1, 2, 3].map((n) => {
          const orderId = `${compression}-${n}`
          return `note:${n},type:order.placed|${orderId}|${JSON.stringify({ orderId, text })}`
        }),
        `type:order.placed|${compression}-gone|NULL`,
        `type:order.placed|${compression}-odd|not JSON`,
        '',
      ].join('\n'),
    })
  }
}, 120_000)
afterAll(() => pool.end())

test.each(Object.entries({ kafkajs, platformatic }))(
  'a consumer with %s reads what the Java console producer wrote, whatever it was compressed with',
  async (name, driver) => {
    const group = uniqueName(name)
    const consumer = createConsumer({
      database: pool,
      transport: driver({ brokers: kafkaBrokers() }),
      group,
      handlers: [
        on(
          OrderPlaced,
          async ({ body, key, headers }, { tx }) => {
            const { orderId } = body
            const values = [group, orderId, key, body.text, headers['note']]
            await tx.query('insert into seen values ($1, $2, $3, $4, $5)', values)
          },
          {
            topic,
            tombstone: async ({ key }, { tx }) => {
              await tx.query('insert into seen (group_name, key) values ($1, $2)', [group, key])
            },
          },
        ),
      ],
    })
    await consumer.start()
    try {
      const letters = 'select from backstitch.dead_letter where consumer_group = $1 and reason_code = $2'
      await expect
        .poll(async () => (await pool.query(letters, [group, 'MESSAGE_MALFORMED'])).rowCount, {
          timeout: 20_000,
        })
        .toBe(compressions.length)
    } finally {
      await consumer.stop()
    }
    const { rows } = await pool.query('select order_id, key, text, note from seen where group_name = $1', [
      group,
    ])
    const wanted = compressions.flatMap((compression) => [
      ...[1, 2, 3].map((n) => {
        const orderId = `${compression}-${n}`
        return { order_id: orderId, key: orderId, text, note: String(n) }
      }),
      { order_id: null, key: `${compression}-gone`, text: null, note: null },
    ])
    const byKey = (all: { key: string }[]) => all.toSorted((a, b) => a.key.localeCompare(b.key))
    expect(byKey(rows as { key: string }[])).toEqual(byKey(wanted))
  },
)
