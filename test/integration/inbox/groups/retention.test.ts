import type { PoolClient } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../../../src/kernel/ids.ts'
import { claimedAt, idAt, leafSpanMs, leavesBefore, oldLeaf, passedGroup } from './old-rows.ts'
import { serviceDatabase } from '../service-database.ts'

const database = serviceDatabase()
const { rows } = database
const dayMs = 86_400_000
const nowMs = Date.now()
/** Beyond the retention of 30 days by more than a leaf. */
const oldMs = nowMs - 40 * dayMs
const olderMs = oldMs - leafSpanMs

const retire = async (): Promise<string | null> =>
  (await rows<{ done: string | null }>('select backstitch.inbox_retire_leaf() as done'))[0]!.done
const retireAll = async (): Promise<string[]> => {
  const done: string[] = []
  for (let next = await retire(); next !== null; next = await retire()) done.push(next)
  return done
}
const count = async (table: string): Promise<number> =>
  Number((await rows<{ count: string }>(`select count(*) from backstitch.${table}`))[0]!.count)
const opened: PoolClient[] = []
const open = async (...statements: string[]): Promise<PoolClient> => {
  const client = await database.pool().connect()
  opened.push(client)
  for (const sql of statements) await client.query(sql)
  return client
}

let leaf = ''
beforeEach(async () => {
  leaf = await oldLeaf(rows, oldMs)
})
afterEach(async () => {
  for (const client of opened.splice(0)) {
    await client.query('rollback')
    client.release()
  }
  for (const name of await leavesBefore(rows, nowMs - dayMs)) await rows(`drop table backstitch.${name}`)
  await rows(`truncate backstitch.inbox, backstitch.inbox_group`)
  await rows(`update backstitch.inbox_retention set kept_from = '-infinity'`)
})

describe('old leaves', () => {
  test('are emptied and then dropped, once all groups want their rows no more; the young stay', async () => {
    await oldLeaf(rows, olderMs)
    await claimedAt(rows, oldMs, [idAt(oldMs), idAt(oldMs)])
    await claimedAt(rows, nowMs, [newId()])
    await passedGroup(rows, 'one', nowMs)
    await passedGroup(rows, 'other', nowMs)
    const done = await retireAll()
    const older = `inbox_${Math.floor(olderMs / leafSpanMs)}`
    expect(done).toEqual([
      `dropped "backstitch".${older}`,
      `emptied "backstitch".${leaf}`,
      `dropped "backstitch".${leaf}`,
    ])
    expect(await count('inbox')).toBe(1)
    const [kept] = await rows<{ days: number }>(
      `select extract(day from clock_timestamp() - kept_from)::integer as days from backstitch.inbox_retention`,
    )
    expect(kept!.days).toBe(30)
  })

  test('stay while an uncommitted offset may need them, of whichever group (E34)', async () => {
    await claimedAt(rows, oldMs, [idAt(oldMs)])
    expect(await retireAll()).toEqual([]) // nobody is known to have committed anything
    await passedGroup(rows, 'one', nowMs)
    await passedGroup(rows, 'unknown', undefined)
    expect(await retireAll()).toEqual([])
    await passedGroup(rows, 'unknown', oldMs - 1_000) // claimed after what it is known to have committed
    expect(await retireAll()).toEqual([])
    expect(await count(leaf)).toBe(1)
    await passedGroup(rows, 'unknown', oldMs + leafSpanMs)
    expect(await retireAll()).toHaveLength(2)
  })

  test('stay while a message that came late is young', async () => {
    await claimedAt(rows, oldMs, [idAt(oldMs)])
    await claimedAt(rows, nowMs - dayMs, [idAt(oldMs)])
    await passedGroup(rows, 'one', nowMs)
    expect(await retireAll()).toEqual([])
    expect(await count(leaf)).toBe(2)
  })

  test('go while an old snapshot is held', async () => {
    await claimedAt(rows, oldMs, [idAt(oldMs)])
    await passedGroup(rows, 'one', nowMs)
    await open('begin isolation level repeatable read', 'select count(*) from effect')
    expect(await retireAll()).toHaveLength(2)
  })

  test('are emptied while a transaction has claims in other leaves, which pass; they are dropped when it has ended', async () => {
    await claimedAt(rows, oldMs, [idAt(oldMs)])
    await passedGroup(rows, 'one', nowMs)
    const claim = `insert into backstitch.inbox (consumer_group, source, id) values ('g', 't', '${newId()}')`
    const handler = await open('begin', claim)
    expect(await retireAll()).toEqual([`emptied "backstitch".${leaf}`])
    const beganMs = performance.now()
    await claimedAt(rows, nowMs, [newId()])
    expect(performance.now() - beganMs).toBeLessThan(1_000)
    await handler.query('commit')
    expect(await retireAll()).toEqual([`dropped "backstitch".${leaf}`])
    expect(await count('inbox')).toBe(2)
  })

  test('are left alone while somebody reads them, and hold nobody up', async () => {
    await claimedAt(rows, oldMs, [idAt(oldMs)])
    await passedGroup(rows, 'one', nowMs)
    const reader = await open('begin', 'select count(*) from backstitch.inbox')
    expect(await retireAll()).toEqual([])
    await claimedAt(rows, nowMs, [newId()])
    await reader.query('commit')
    expect(await retireAll()).toHaveLength(2)
  })

  test('are left alone while an operator rewinds a group', async () => {
    await claimedAt(rows, oldMs, [idAt(oldMs)])
    await passedGroup(rows, 'one', nowMs)
    const operator = await open(
      'begin',
      `select from backstitch.inbox_group where consumer_group = 'one' for update`,
    )
    expect(await retireAll()).toEqual([])
    await operator.query(`update backstitch.inbox_group set passed_at = '-infinity'`)
    await operator.query('commit')
    expect(await retireAll()).toEqual([])
    expect(await count(leaf)).toBe(1)
  })
})

test('the default partition is swept in chunks of what is old and passed', async () => {
  // of no leaf’s time
  const ids = (n: number): string[] => Array.from({ length: n }, () => `f${crypto.randomUUID().slice(1)}`)
  await claimedAt(rows, oldMs, ids(2_000))
  await claimedAt(rows, nowMs, ids(10))
  await claimedAt(rows, oldMs, ids(1_000))
  await passedGroup(rows, 'one', nowMs)
  const sweep = async (first: number, blocks: number): Promise<number> =>
    (
      await rows<{ swept: number }>('select backstitch.inbox_sweep_default($1, $2) as swept', [first, blocks])
    )[0]!.swept
  const before = await count('inbox_default')
  const swept = await sweep(0, 8)
  expect(swept).toBeGreaterThan(100)
  expect(swept).toBeLessThan(2_000)
  await sweep(8, 1_000)
  expect(await count('inbox_default')).toBe(before - 3_000)
  await passedGroup(rows, 'other', undefined)
  await claimedAt(rows, oldMs, ids(5))
  expect(await sweep(0, 1_000)).toBe(0)
})
