import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../support/services.ts'
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

test('a row is shown, edited with a reason, and published; its key goes on behind it', async () => {
  await park('o-3')
  await pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'o-3', 'any', '{"then": 1}')`,
  )
  const ofKey = () => listed('--key', 'o-3', '--code', 'OUTBOX_RECORD_REFUSED')
  await expect.poll(ofKey, { timeout: 20_000, interval: 500 }).toHaveLength(1)
  const seq = (await ofKey())[0]?.seq ?? ''
  const here = ['--database', 'orders']
  const shown = await outbox('show', seq, ...here)
  expect(shown).toMatchObject({ code: 0, err: '' })
  expect(shown.out).toMatch(/^key: +o-3$/m)
  expect(shown.out).toMatch(/^code: +OUTBOX_RECORD_REFUSED$/m)
  expect(shown.out).toMatch(/^behind it: +1 row\(s\) of its key$/m)
  expect(shown.out).toMatch(/^BODY\nx{4000}\n\.\.\. 3000000 characters in all$/m)

  const file = join(tmpdir(), `${uniqueName('body')}.json`)
  writeFileSync(file, '{"edited": 1}')
  const edit = [
    'edit',
    seq,
    '--payload-file',
    file,
    '--set-header',
    'tenant=eu',
    ...here,
    '--reason',
    'by reference now',
  ]
  const dry = await outbox(...edit, '--dry-run')
  expect(dry).toMatchObject({ code: 0, err: '' })
  expect(dry.out).toContain(`orders: row ${seq} would be edited\n`)
  expect(dry.out).toContain('body     3000000 bytes -> 13 bytes\n')
  expect(JSON.parse((await outbox('show', seq, ...here, '--json')).out)).toMatchObject({
    history: [],
    bytes: 3_000_000,
  })
  const edited = await outbox(...edit, '--json', '--actor', 'ann')
  expect(edited).toMatchObject({ code: 0, err: '' })
  const { before, after } = JSON.parse(edited.out) as Record<
    'before' | 'after',
    { id: string; causationId: string }
  >
  expect(after).toMatchObject({ causationId: before.id, payload: '{"edited": 1}', headers: { tenant: 'eu' } })
  await expect.poll(() => listed('--key', 'o-3'), { timeout: 20_000, interval: 500 }).toEqual([])
  const { rows } =
    await pool.query(`select actor_id, verb, target_id, reason, after ->> 'id' as id from backstitch.audit_entry
    where verb = 'outbox edit'`)
  expect(rows).toEqual([
    { actor_id: 'ann', verb: 'outbox edit', target_id: seq, reason: 'by reference now', id: after.id },
  ])
})

test('status tells of each outbox, in a table and in JSON', async () => {
  const { code, out } = await outbox('status')
  expect(code).toBe(0)
  expect(out).toMatch(/^orders +0 +\S+ +\d+ ms +1 +0 +- +-$/m)
  expect(out).toMatch(/^stock +0 /m)
  expect(out).toMatch(/^leaves: \d+, \d+\.\d MB in all, none in the default one$/m)
  const [orders, stock] = JSON.parse((await outbox('status', '--json')).out) as Record<string, unknown>[]
  expect(orders).toMatchObject({
    database: 'orders',
    shards: [{ shard: 0, pending: { count: 0, more: false } }],
  })
  expect(stock).toMatchObject({ database: 'stock', quarantine: { rows: { count: 0, more: false } } })
})

test.each([
  [['show', '99999', '--database', 'orders'], 4, 'ROW_NOT_FOUND: '],
  [['edit', '99999', '--set-header', 'a=b', '--database', 'orders', '--reason', 'r'], 4, 'ROW_NOT_FOUND: '],
  [['edit', '1', '--set-header', 'a', '--database', 'orders', '--reason', 'r'], 2, 'It is <name>=<value>.'],
  [
    ['edit', '1', '--payload-file', 'none.json', '--database', 'orders', '--reason', 'r'],
    2,
    '--payload-file: ',
  ],
  [['list', '--code', 'NONE'], 2, 'Allowed choices are'],
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

test('a replay is asked for, told of, and cancelled only while it is not done', async () => {
  await pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'again', 'any', '{}')`,
  )
  const reason = ['--reason', 'a reader lost its data', '--database', 'orders']
  const asked = await outbox('replay', '--from', '2020-01-01', '--key', 'again', ...reason)
  expect(asked).toMatchObject({ code: 0, err: '' })
  const id = /replay (\S+) of seq/.exec(asked.out)?.[1] ?? ''
  const listed = async (): Promise<unknown> =>
    JSON.parse((await outbox('replays', '--database', 'orders', '-o', 'json')).out) as unknown
  await expect
    .poll(listed, { timeout: 20_000, interval: 500 })
    .toMatchObject([{ id, state: 'completed', published: 1, reason: 'a reader lost its data' }])
  expect((await outbox('cancel-replay', id, ...reason)).code).toBe(4)
  expect((await outbox('replay', '--seq', '8000000..9000000', ...reason)).code).toBe(4)
  expect((await outbox('replay', '--seq', 'x', ...reason)).code).toBe(2)
})
