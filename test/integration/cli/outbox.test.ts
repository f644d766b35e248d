import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueTopicPrefix } from '../../support/services.ts'
import { backstitch, type CommandResult, type RunningCommand, startBackstitch } from './backstitch-process.ts'

const topicPrefix = uniqueTopicPrefix()
let environment: Record<string, string>
let pool: Pool
let relay: RunningCommand
beforeAll(async () => {
  const [orders, stock] = await Promise.all([createDatabase(), createDatabase()])
  environment = {
    DATABASE_URL_ORDERS: orders.url,
    DATABASE_URL_STOCK: stock.url,
    KAFKA_BROKERS: kafkaBrokers().join(','),
    TOPIC_PREFIX: topicPrefix,
  }
  pool = new Pool({ connectionString: orders.url })
  expect((await backstitch(['migrate'], environment)).code).toBe(0)
  expect((await backstitch(['topics', 'apply'], environment)).code).toBe(0)
  relay = startBackstitch(['relay'], { environment })
  await relay.says('"msg":"started"')
})
afterAll(async () => {
  relay.process.kill('SIGTERM')
  await relay.ended
  await pool.end()
})

const outbox = (...words: string[]): Promise<CommandResult> => backstitch(['outbox', ...words], environment)

type Row = { readonly seq: string; readonly key: string; readonly code: string; readonly intent?: unknown }
const listed = async (...words: string[]): Promise<readonly Row[]> => {
  const { code, out, err } = await outbox('list', '-o', 'json', ...words)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out) as Row[]
}

/** Larger than the broker takes, so that it is parked. */
const park = (key: string): Promise<unknown> =>
  pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', $1, 'any', repeat('x', 3000000))`,
    [key],
  )

test('an empty quarantine is a table without rows', async () => {
  expect(await outbox('list')).toMatchObject({ code: 0, err: '' })
  expect(await listed()).toEqual([])
})

test('rows that the broker refuses are listed, and leave by skip with a reason', async () => {
  await park('o-1')
  await expect.poll(() => listed('--key', 'o-1'), { timeout: 20_000, interval: 500 }).toHaveLength(1)
  const [row] = await listed()
  expect(row).toMatchObject({
    database: 'orders',
    key: 'o-1',
    code: 'OUTBOX_RECORD_REFUSED',
    bytes: 3_000_000,
  })
  const table = await outbox('list')
  expect(table.out).toMatch(
    new RegExp(`^orders +${row?.seq ?? ''} +${topicPrefix}order +o-1 +any v1 +3000000 `, 'm'),
  )

  const skip = await outbox(
    'skip',
    row?.seq ?? '',
    '--database',
    'orders',
    '--reason',
    'too large',
    '--actor',
    'ann',
  )
  expect(skip).toEqual({ code: 0, out: `orders: skip requested of 1 row(s): ${row?.seq ?? ''}\n`, err: '' })
  await expect.poll(() => listed(), { timeout: 20_000, interval: 500 }).toEqual([])
})

test('retry of what is still too large leaves it parked', async () => {
  await park('o-2')
  await expect.poll(() => listed('--key', 'o-2'), { timeout: 20_000, interval: 500 }).toHaveLength(1)
  const words = ['retry', '--topic', `${topicPrefix}order`, '--key', 'o-2', '--database', 'orders']
  expect(await outbox(...words, '--reason', 'try again')).toMatchObject({ code: 0 })
  await expect
    .poll(async () => (await listed('--key', 'o-2')).map(({ intent }) => intent), {
      timeout: 20_000,
      interval: 500,
    })
    .toEqual([undefined])
})

test.each([
  [['retry', '99999', '--database', 'orders', '--reason', 'r'], 4, 'ROW_NOT_FOUND: '],
  [['retry', '1', '--database', 'orders'], 2, "required option '--reason <text>' not specified"],
  [['retry', '1', '--database', 'orders', '--reason', ' '], 2, 'It has 1 to 1,000 characters.'],
  [['retry', 'x', '--database', 'orders', '--reason', 'r'], 2, 'It is a whole number.'],
  [['retry', '1', '--reason', 'r'], 2, '--database: name one of orders, stock'],
  [['retry', '--database', 'orders', '--reason', 'r'], 2, 'Name the rows by seqs'],
  [['retry', '1', '--all', '--database', 'orders', '--reason', 'r'], 2, 'Name the rows by seqs'],
  [['retry', '--key', 'k', '--database', 'orders', '--reason', 'r'], 2, 'Name the rows by seqs'],
  [['skip', '--all', '--database', 'orders', '--reason', 'r'], 5, 'CONFIRMATION_MISSING: '],
])('%j ends with %i', async (words, code, text) => {
  const result = await outbox(...words)
  expect(result.err).toContain(text)
  expect({ code: result.code, out: result.out }).toEqual({ code, out: '' })
})
