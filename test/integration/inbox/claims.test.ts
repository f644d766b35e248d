import { expect, test } from 'vitest'
import { deadLetterOf, type DeadLetter } from '../../../src/inbox/dead-letter.ts'
import { fingerprintOf } from '../../../src/inbox/identity/fingerprint.ts'
import type { ClaimOutcome, InboxEntry } from '../../../src/inbox/inbox-store.ts'
import { newId } from '../../../src/kernel/ids.ts'
import type { SqlExecutor } from '../../../src/kernel/sql-executor.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { pgInboxStore } from '../../../src/postgres/pg-inbox-store.ts'
import { findClaims } from '../../../src/postgres/queries/inbox/claim-messages.ts'
import { uniqueName } from '../../support/services.ts'
import { recordWith } from '../../unit/inbox/records.ts'
import { serviceDatabase } from './service-database.ts'
import { until } from './topic-feed.ts'

const service = serviceDatabase({ max: 6 })
const source = 'outbox.event.order'
const order = { order: 'key' } as const

function entry(
  id: string,
  options: { key?: string | null; body?: string; source?: string } = {},
): InboxEntry {
  const { key = id, body = 'body' } = options
  return {
    source: options.source ?? source,
    id,
    fingerprint: fingerprintOf(Buffer.from(body)),
    key: key === null ? null : Buffer.from(key),
  }
}

function letter(group: string, key: string | null, options: Partial<DeadLetter> = {}): DeadLetter {
  const record = recordWith({ key, value: { a: 1 } })
  return {
    ...deadLetterOf(record, {
      group,
      messageId: newId(),
      thrown: new Error('poison'),
      attempts: 5,
      order: 'key',
    }),
    ...options,
  }
}

/** A store with its own memory of what it met last, as each process has. */
function store() {
  const inbox = pgInboxStore('backstitch')
  const database = pgDatabase(service.pool())
  const transaction = <Result>(work: (tx: SqlExecutor) => Promise<Result>): Promise<Result> =>
    database.transaction(work, { isFirstGuarded: true })
  return {
    inbox,
    transaction,
    claim: (group: string, ...entries: readonly InboxEntry[]) =>
      transaction((tx) => inbox.claim(tx, group, entries, order)),
    bury: (dead: DeadLetter) => transaction((tx) => inbox.bury(tx, dead)),
  }
}

const ids = (count: number): string[] => Array.from({ length: count }, () => newId())

test.each([1, 3])('%i messages are fresh once, whatever was met before', async (count) => {
  const group = uniqueName('group')
  const { claim } = store()
  const [first, second] = [ids(count), ids(count)]
  const all = (outcome: ClaimOutcome) => Array.from({ length: count }, () => outcome)
  expect(await claim(group, ...first.map((id) => entry(id)))).toEqual(all('fresh'))
  expect(await claim(group, ...first.map((id) => entry(id)))).toEqual(all('duplicate'))
  expect(await claim(group, ...first.map((id) => entry(id)))).toEqual(all('duplicate'))
  expect(await claim(group, ...second.map((id) => entry(id)))).toEqual(all('fresh'))
  expect(await claim(uniqueName('group'), ...first.map((id) => entry(id)))).toEqual(all('fresh'))
  expect(await claim(group, ...first.map((id) => entry(id, { source: 'outbox.event.invoice' })))).toEqual(
    all('fresh'),
  )
})

test('outcomes come in the order of the entries, in whatever order the ids are', async () => {
  const group = uniqueName('group')
  const { claim } = store()
  const [a, b, c, d] = ids(4) as [string, string, string, string]
  await claim(group, entry(b))
  expect(
    await claim(
      group,
      entry(d),
      entry(b),
      entry(a.toUpperCase()),
      entry(b, { body: 'another' }),
      entry(d, { source: 'outbox.event.invoice' }),
      entry(c),
    ),
  ).toEqual(['fresh', 'duplicate', 'fresh', 'reused', 'fresh', 'fresh'])
})

test('of two entries with one id in a batch the first is claimed; another body is a reuse', async () => {
  const group = uniqueName('group')
  const { claim } = store()
  const [id] = ids(1) as [string]
  const twice = [entry(id), entry(id), entry(id, { body: 'another' })]
  expect(await claim(group, ...twice)).toEqual(['fresh', 'duplicate', 'reused'])
  expect(await claim(group, ...twice)).toEqual(['duplicate', 'duplicate', 'reused'])
})

test('a body that was never compared is no reuse', async () => {
  const group = uniqueName('group')
  const [id] = ids(1) as [string]
  await service.rows('insert into backstitch.inbox (consumer_group, source, id) values ($1, $2, $3)', [
    group,
    source,
    id,
  ])
  expect(await store().claim(group, entry(id))).toEqual(['duplicate'])
})

test('messages of a key with dead letters are held, unless their order does not count', async () => {
  const group = uniqueName('group')
  const { claim, bury, inbox, transaction } = store()
  const dead = letter(group, 'k')
  expect(await bury(dead)).toBe(true)
  expect(await bury(dead)).toBe(false)
  const [a, b, c, d, e] = ids(5) as [string, string, string, string, string]
  const mixed = [entry(a, { key: 'k' }), entry(b, { key: 'other' }), entry(c, { key: null })]
  expect(await claim(group, ...mixed)).toEqual(['held', 'fresh', 'fresh'])
  expect(await claim(group, ...mixed)).toEqual(['held', 'duplicate', 'duplicate'])
  expect(await claim(group, entry(dead.messageId, { key: 'k' }))).toEqual(['reused'])
  expect(await claim(group, entry(d, { key: 'k' }))).toEqual(['held'])
  expect(await claim(group, entry(e, { key: 'k', source: 'outbox.event.invoice' }))).toEqual(['fresh'])
  expect(
    await transaction((tx) => inbox.claim(tx, group, [entry(d, { key: 'k' })], { order: 'none' })),
  ).toEqual(['fresh'])
  expect(await claim(uniqueName('group'), entry(a, { key: 'k' }))).toEqual(['fresh'])
})

test('the inbox may know a group by another name than its dead letters do', async () => {
  const group = uniqueName('group')
  const { transaction, claim, bury } = store()
  const second = pgInboxStore('backstitch', (name) => `${name}#2`)
  const [a, b] = ids(2) as [string, string]
  await bury(letter(group, 'k'))
  expect(await claim(group, entry(a))).toEqual(['fresh'])
  const batch = [entry(a), entry(b, { key: 'k' })]
  expect(await transaction((tx) => second.claim(tx, group, batch, order))).toEqual(['fresh', 'held'])
  expect(await transaction((tx) => second.bury(tx, letter(group, 'k', { messageId: b })))).toBe(true)
  expect(await claim(group, entry(b))).toEqual(['fresh'])
})

test('a key is held by its bytes, however long it is', async () => {
  const group = uniqueName('group')
  const { claim, bury } = store()
  const long = 'k'.repeat(100_000)
  await bury(letter(group, long))
  const [a, b, c] = ids(3) as [string, string, string]
  expect(await claim(group, entry(a, { key: long }), entry(b, { key: `${long}k` }))).toEqual([
    'held',
    'fresh',
  ])
  await bury(letter(group, ''))
  expect(await claim(group, entry(c, { key: '' }))).toEqual(['held'])
})

test('letters of a key stand in one line, and its first one is the head', async () => {
  const group = uniqueName('group')
  const { bury } = store()
  for (const options of [{}, { state: 'retrying' as const }, { order: 'none' as const }])
    await bury(letter(group, 'k', options))
  await bury(letter(group, null))
  expect(
    await service.rows(
      `select is_head, key_hash is not null as in_line, state, due_at <= clock_timestamp() as due
       from backstitch.dead_letter where consumer_group = $1 order by id`,
      [group],
    ),
  ).toEqual([
    { is_head: true, in_line: true, state: 'dead', due: null },
    { is_head: false, in_line: true, state: 'retrying', due: true },
    { is_head: true, in_line: false, state: 'dead', due: null },
    { is_head: true, in_line: false, state: 'dead', due: null },
  ])
})

test('a letter that becomes one while its key’s later message is claimed: that one does not pass (E35)', async () => {
  const group = uniqueName('group')
  const zombie = store()
  const successor = store()
  const first = letter(group, 'k')
  const claimed = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const burying = zombie.transaction(async (tx) => {
    await zombie.inbox.bury(tx, first)
    claimed.resolve()
    await finish.promise
  })
  await claimed.promise
  const [second] = ids(1) as [string]
  const batch = [
    { ...entry(first.messageId, { key: 'k' }), fingerprint: fingerprintOf(first.payload) },
    entry(second, { key: 'k' }),
  ]
  const claiming = successor.claim(group, ...batch)
  claiming.catch(() => undefined)
  await waitsForLock()
  finish.resolve()
  await burying
  await expect(claiming).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT' })
  expect(await successor.claim(group, ...batch)).toEqual(['duplicate', 'held'])
})

test('two that claim the same messages in opposite orders wait for each other in no circle (E37)', async () => {
  const group = uniqueName('group')
  const batch = ids(2000).map((id) => entry(id))
  const all = [batch, batch.toReversed(), batch]
  const outcomes = await Promise.all(all.map((entries) => store().claim(group, ...entries)))
  expect(outcomes.flat().filter((outcome) => outcome === 'fresh')).toHaveLength(2000)
  expect(outcomes.flat().filter((outcome) => outcome === 'duplicate')).toHaveLength(4000)
})

test('transactions that name one text claim one after the other', async () => {
  const group = uniqueName('group')
  const { inbox, transaction } = store()
  const [a, b, c] = ids(3) as [string, string, string]
  const locked = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const events: string[] = []
  const first = transaction(async (tx) => {
    await inbox.claim(tx, group, [entry(a)], { order: 'none', lockOn: group })
    locked.resolve()
    await finish.promise
    events.push('first')
  })
  await locked.promise
  const second = transaction(async (tx) => {
    await inbox.claim(tx, group, [entry(b), entry(c)], { order: 'key', lockOn: group })
    events.push('second')
  })
  await waitsForLock()
  finish.resolve()
  await Promise.all([first, second])
  expect(events).toEqual(['first', 'second'])
})

test('duplicates are looked up in the one leaf that can hold them, whatever else there is', async () => {
  await service.rows(
    `insert into backstitch.dead_letter_key (consumer_group, topic, key_hash, letters)
     select 'big', 't', sha256(n::text::bytea), 1 from generate_series(1, 20000) as n`,
  )
  const client = await service.pool().connect()
  try {
    await client.query('set plan_cache_mode = force_generic_plan')
    await client.query(`prepare look as ${findClaims('backstitch')}`)
    const found = ids(50)
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `explain (analyze, costs off, timing off) execute look('big', 't', '{${found.join()}}', '{${found.map(() => 1).join()}}',
       '{${found.map((_, n) => n).join()}}', 'big')`,
    )
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).not.toMatch(/Seq Scan on (inbox|dead_letter)/)
    const leaves = plan.split('\n').filter((line) => /Scan.* on inbox_/.test(line))
    expect(leaves.length).toBeGreaterThan(20)
    expect(leaves.filter((line) => !line.includes('never executed'))).toHaveLength(1)
    expect(plan).toMatch(/Index (Only )?Scan using dead_letter_key_pkey/)
  } finally {
    client.release()
  }
})

async function waitsForLock(): Promise<void> {
  await until('somebody to wait for a lock', async () => {
    const [row] = await service.rows<{ waiting: string }>(
      `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return row?.waiting !== '0'
  })
}
