import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '../../../src/cli/run-cli.ts'
import { deadLetterOf } from '../../../src/inbox/dead-letter.ts'
import type { LetterEntry } from '../../../src/inbox/letters/operator/letter-entry.ts'
import { readLetterLine } from '../../../src/inbox/letters/operator/letter-line.ts'
import { bytesOf } from '../../../src/inbox/letters/operator/shown-bytes.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import { newId } from '../../../src/kernel/ids.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { pgInboxStore } from '../../../src/postgres/pg-inbox-store.ts'
import { createDatabase, uniqueName } from '../../support/services.ts'
import { recordWith } from '../../unit/inbox/records.ts'
import { backstitch, type CommandResult } from './backstitch-process.ts'

let environment: Record<string, string>
let pool: Pool
beforeAll(async () => {
  const [orders, stock] = await Promise.all([createDatabase(), createDatabase()])
  environment = {
    DATABASE_URL_ORDERS: orders.url,
    DATABASE_URL_STOCK: stock.url,
    KAFKA_BROKERS: '127.0.0.1:1',
  }
  pool = new Pool({ connectionString: orders.url })
  expect((await backstitch(['migrate'], environment)).code).toBe(0)
})
afterAll(() => pool.end())

const because = ['--reason', 'the bug is fixed', '--actor', 'ann'] as const
const onOrders = ['--database', 'orders'] as const
/** In this process, which is several times faster. */
const dlq = async (...words: string[]): Promise<CommandResult> => {
  const text = { out: '', err: '' }
  const code = await runCli(['dlq', ...words], {
    out: (more) => void (text.out += more),
    err: (more) => void (text.err += more),
    folder: fileURLToPath(new URL('./shop', import.meta.url)),
    environment,
    onSignal: () => () => undefined,
    exit: () => undefined,
  })
  return { code, ...text }
}

const json = async <Result>(...words: string[]): Promise<Result> => {
  const { code, out, err } = await dlq(...words, '--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out) as Result
}
const listed = (group: string, ...words: string[]) =>
  json<(LetterEntry & { database: string })[]>('list', '--group', group, ...words)

/** A letter of a new group for each key: of the same key, each waits behind the one before it. */
async function letters(
  keys: readonly (string | null)[],
  options: { readonly value?: Buffer; readonly thrown?: unknown } = {},
): Promise<{ readonly group: string; readonly ids: readonly string[] }> {
  const group = uniqueName('group')
  const inbox = pgInboxStore('backstitch')
  const seen = new Set<string | null>()
  for (const key of keys) {
    const behind = key !== null && seen.has(key)
    seen.add(key)
    const thrown =
      options.thrown ?? (behind ? new BackstitchError('KEY_HELD', 'x') : new Error('no such customer'))
    const record = recordWith({ key, value: options.value ?? { key }, headers: { type: 'order.placed' } })
    const about = { group, messageId: newId(), type: 'order.placed', attempts: 5, order: 'key' } as const
    const letter = deadLetterOf(record, { ...about, thrown, state: behind ? 'retrying' : 'dead' })
    await pgDatabase(pool).transaction((tx) => inbox.bury(tx, letter))
  }
  const { rows } = await pool.query<{ id: string }>(
    'select id from backstitch.dead_letter where consumer_group = $1 order by id',
    [group],
  )
  return { group, ids: rows.map(({ id }) => id) }
}

const audited = async (id: string) =>
  (
    await pool.query<{
      verb: string
      actor_id: string
      reason: string
      before: string
      after: string | null
    }>(
      `select verb, actor_id, reason, before, after from backstitch.audit_entry
       where target_kind = 'inbox.letter' and target_id = $1 order by seq`,
      [id],
    )
  ).rows

test('letters are listed by what they are, page by page', async () => {
  const { group, ids } = await letters(['a', 'a', 'b', null])
  expect(await listed(group)).toMatchObject([
    {
      database: 'orders',
      id: ids[0],
      key: { text: 'a' },
      code: 'HANDLER_FAILED',
      state: 'dead',
      isHead: true,
    },
    { id: ids[1], code: 'KEY_HELD', state: 'retrying', isHead: false, order: 'key' },
    { id: ids[2], key: { text: 'b' } },
    { id: ids[3], key: null, order: 'none' },
  ])
  const idsOf = async (...words: string[]) => (await listed(group, ...words)).map(({ id }) => id)
  expect(await idsOf('--limit', '2')).toEqual(ids.slice(0, 2))
  expect(await idsOf('--limit', '2', '--after', ids[1] ?? '')).toEqual(ids.slice(2))
  expect(await idsOf('--key', 'a', '--code', 'KEY_HELD')).toEqual([ids[1]])
  expect(await idsOf('--state', 'dead')).toEqual([ids[0], ids[2], ids[3]])
  expect(await idsOf('--dead-for', '1h')).toEqual([])
  expect(await idsOf('--type', 'order.placed', '--topic', 'outbox.event.order')).toEqual(ids)
  const { out } = await dlq('list', '--group', group)
  expect(out).toMatch(/^DATABASE +ID +GROUP +TOPIC +KEY/)
  expect(out).toContain('retrying, behind')
})

test('a letter is shown with its headers, its body, its stack and what waits behind it', async () => {
  const { ids } = await letters(['a', 'a'])
  const { code, out } = await dlq('show', ids[0] ?? '', ...onOrders)
  expect(code).toBe(0)
  for (const part of [
    'reason:       no such customer',
    '1 letter(s) of its key',
    'order.placed',
    '{"key":"a"}',
    'STACK',
  ])
    expect(out).toContain(part)
  expect(await json('show', ids[1] ?? '', ...onOrders)).toMatchObject({
    behind: ids[0],
    body: { text: '{"key":"a"}' },
  })
})

test('a body of bytes is shown in hexadecimal, and is exported and read back as it was', async () => {
  const value = Buffer.from([0x00, 0xff, 0x10])
  const { group, ids } = await letters(['a', 'b'], { value })
  expect((await dlq('show', ids[0] ?? '', ...onOrders)).out).toContain('BODY\n00ff10\n')
  const { code, out } = await dlq('export', '--group', group, ...onOrders)
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n').map(readLetterLine)
  expect(lines).toMatchObject([
    { id: ids[0], group, key: { text: 'a' }, headers: [{ name: 'type', text: 'order.placed' }] },
    { id: ids[1], group },
  ])
  for (const { body } of lines) expect(bytesOf(body)).toEqual(value)
  // as a process of its own too
  const one = await backstitch(['dlq', 'export', '--group', group, '--limit', '1', ...onOrders], environment)
  expect(one.out.trimEnd()).not.toContain('\n')
})

test('letters are set to be handled again, at a rate, with an entry in the audit trail for each', async () => {
  const { group, ids } = await letters(['a', 'a', 'b'])
  const words = ['redrive', '--group', group, '--rate', '6/m', ...because, ...onOrders]
  expect(await json(...words, '--dry-run')).toMatchObject({ dryRun: true, ids, behindOthers: 1, more: false })
  expect(await audited(ids[0] ?? '')).toEqual([])
  const { code, out } = await dlq(...words)
  expect({ code, out }).toEqual({
    code: 0,
    out: `orders: set to be handled again: 3 letter(s): ${ids.join(', ')}\n1 of them wait until the letters before them in their keys are through.\n`,
  })
  const after = await listed(group)
  expect(after.map(({ state }) => state)).toEqual(['retrying', 'retrying', 'retrying'])
  const due = after.map(({ dueAt }) => new Date(dueAt ?? 0).getTime())
  expect(due.map((ms) => Math.round((ms - (due[0] ?? 0)) / 1_000))).toEqual([0, 10, 20])
  for (const id of ids) {
    const [entry, ...more] = await audited(id)
    expect(more).toEqual([])
    expect(entry).toMatchObject({ verb: 'dlq redrive', actor_id: 'ann', reason: 'the bug is fixed' })
    expect(entry?.after).toEqual({ state: 'retrying', ratePerSecond: 0.1 })
  }
})

test('letters are dropped; all of them only when that is confirmed', async () => {
  const { group, ids } = await letters(['a', 'a', 'b'])
  expect(await dlq('drop', '--all', ...because, ...onOrders)).toMatchObject({
    code: 5,
    err: expect.stringContaining('CONFIRMATION_MISSING'),
  })
  expect(await json('drop', ids[0] ?? '', ...because, ...onOrders)).toMatchObject({ ids: [ids[0]] })
  expect(await listed(group)).toMatchObject([{ id: ids[1], isHead: true }, { id: ids[2] }])
  const [entry] = await audited(ids[0] ?? '')
  expect(entry).toMatchObject({ verb: 'dlq drop', after: null })
  expect(entry?.before).toMatchObject({ group, code: 'HANDLER_FAILED', offset: '0' })
  expect((await dlq('drop', ids[0] ?? '', ...because, ...onOrders)).code).toBe(4)
  expect((await dlq('drop', '--all', '--yes', ...because, ...onOrders)).code).toBe(0)
  expect(await listed(group)).toEqual([])
  expect((await pool.query('select from backstitch.dead_letter_key')).rowCount).toBe(0)
})

test('a letter is edited from a file, and is another message then', async () => {
  const { group, ids } = await letters(['a'])
  const [id = ''] = ids
  const [before] = await listed(group)
  const file = join(mkdtempSync(join(tmpdir(), 'dlq-')), 'body.json')
  writeFileSync(file, '{"key":"corrected"}')
  const words = ['edit', id, '--payload-file', file, '--set-header', 'tenant=eu', ...because, ...onOrders]
  const { code, out } = await dlq(...words)
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringContaining(`letter ${id} is edited, and handled again`),
  })
  const shown = await json<{ messageId: string; headers: object[]; body: object; history: object[] }>(
    'show',
    id,
    ...onOrders,
  )
  expect(shown).toMatchObject({ body: { text: '{"key":"corrected"}' }, state: 'retrying' })
  expect(shown.messageId).not.toBe(before?.messageId)
  expect(shown.headers).toEqual(
    expect.arrayContaining([
      { name: 'id', text: shown.messageId },
      { name: 'causation-id', text: before?.messageId },
      { name: 'tenant', text: 'eu' },
    ]),
  )
  expect(shown.history).toMatchObject([{ verb: 'dlq edit', actor: { id: 'ann' } }])
})

test('an id that was used twice is not redriven', async () => {
  const { group, ids } = await letters(['a'], { thrown: new BackstitchError('MESSAGE_ID_REUSED', 'x') })
  const byId = await dlq('redrive', ids[0] ?? '', ...because, ...onOrders)
  expect(byId).toMatchObject({ code: 5, err: expect.stringContaining('LETTER_STATE_REFUSES') })
  expect((await dlq('redrive', '--group', group, ...because, ...onOrders)).code).toBe(4)
})

test.each([
  [['redrive', '1'], /--reason/],
  [['redrive', ...because, ...onOrders], /Name the letters by ids, or by a filter/],
  [['redrive', '1', '--group', 'x', ...because, ...onOrders], /Name the letters by ids, or by a filter/],
  [['redrive', 'x', ...because], /whole number/],
  [['redrive', '1', '--rate', 'fast', ...because], /number a second/],
  [['list', '--dead-for', 'long'], /duration/],
  [['show', '1'], /--database: name one of orders, stock/],
])('backstitch dlq %j is wrong usage', async (words, message) => {
  const { code, err } = await dlq(...words)
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(message) })
})

test('a letter that is not there is told', async () => {
  for (const words of [
    ['show', '999999'],
    ['edit', '999999', '--tombstone', ...because],
  ])
    expect(await dlq(...words, ...onOrders)).toMatchObject({
      code: 4,
      err: expect.stringContaining('LETTER_NOT_FOUND'),
    })
})
