import { randomUUID } from 'node:crypto'
import { migrate } from 'backstitch/postgres'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nothingStarted } from '../../../src/inbox/attempts/attempt-log.ts'
import { pgAttemptLog } from '../../../src/postgres/inbox/pg-attempt-log.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { createDatabase, uniqueName } from '../../support/services.ts'

let pool: Pool
beforeAll(async () => {
  const { url } = await createDatabase()
  pool = new Pool({ connectionString: url, max: 4 })
  await migrate({ database: pool, parts: ['inbox'] })
})
afterAll(() => pool.end())

const log = () => pgAttemptLog(pgDatabase(pool), 'backstitch')
const newPlace = () => ({ group: uniqueName(), topic: 'order', partition: 7 })
const chunk = { ...nothingStarted, range: { first: 5n, last: 2n ** 62n }, others: [1n, 3n] }

describe('the log of attempts', () => {
  test('is empty at first, and says to the next owner what was begun', async () => {
    const place = newPlace()
    const first = await log().take(place, randomUUID())
    expect(first).toMatchObject({ tenure: { epoch: 1n }, left: nothingStarted })
    expect(await log().note(place, first.tenure, chunk)).toBe(true)
    const second = await log().take(place, randomUUID())
    expect(second.tenure.epoch).toBe(2n)
    expect(second.left).toEqual(chunk)
    expect((await log().take({ ...place, partition: 8 }, randomUUID())).left).toEqual(nothingStarted)
  })

  test('counts one death for the record that another owner had alone in hand, once', async () => {
    const place = newPlace()
    const first = await log().take(place, randomUUID())
    await log().note(place, first.tenure, { ...chunk, alone: 6n })
    const second = await log().take(place, randomUUID())
    expect(second.left).toEqual({ ...chunk, deaths: [6n] })
    const third = await log().take(place, randomUUID())
    expect(third.left.deaths).toEqual([6n])
    await log().note(place, third.tenure, { ...third.left, alone: 6n })
    expect((await log().take(place, randomUUID())).left.deaths).toEqual([6n, 6n])
  })

  test('counts none for an owner that gave the partition back, nor for one that takes it again', async () => {
    const place = newPlace()
    const owner = randomUUID()
    const first = await log().take(place, owner)
    await log().note(place, first.tenure, { ...chunk, alone: 6n })
    const again = await log().take(place, owner)
    expect(again.left).toEqual(chunk)
    await log().note(place, again.tenure, { ...chunk, alone: 6n, isGivenBack: true })
    expect((await log().take(place, randomUUID())).left).toEqual(chunk)
  })

  test('an old owner writes in vain, an older tenure of the same member too', async () => {
    const place = newPlace()
    const owner = randomUUID()
    const first = await log().take(place, owner)
    const second = await log().take(place, owner)
    expect(await log().note(place, first.tenure, chunk)).toBe(false)
    expect(await log().note(place, second.tenure, nothingStarted)).toBe(true)
    const third = await log().take(place, randomUUID())
    expect(await log().note(place, second.tenure, { ...chunk, alone: 9n })).toBe(false)
    expect(third.left).toEqual(nothingStarted)
  })

  test('of two that take a partition at once, one is later, and the other writes in vain', async () => {
    const place = newPlace()
    const taken = await Promise.all([1, 2, 3].map(() => log().take(place, randomUUID())))
    expect(new Set(taken.map(({ tenure }) => tenure.epoch))).toEqual(new Set([1n, 2n, 3n]))
    const written = await Promise.all(taken.map(({ tenure }) => log().note(place, tenure, chunk)))
    expect(written).toEqual(taken.map(({ tenure }) => tenure.epoch === 3n))
  })

  test('its commits wait for no disk, and the sessions of the pool are as they were', async () => {
    const place = newPlace()
    const one = new Pool({ ...pool.options, max: 1 })
    try {
      const own = pgAttemptLog(pgDatabase(one), 'backstitch')
      const { tenure } = await own.take(place, randomUUID())
      // An asynchronous commit is behind the flushed WAL for up to three rounds of the WAL writer; a synchronous one never is.
      let behind = 0
      for (let n = 0; n < 50; n++) {
        await own.note(place, tenure, { ...chunk, alone: BigInt(n) })
        const { rows } = await one.query<{ behind: boolean }>(
          'select pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn() as behind',
        )
        if (rows[0]?.behind === true) behind++
      }
      expect(behind).toBeGreaterThan(25)
      const { rows } = await one.query('show synchronous_commit')
      expect(rows).toEqual([{ synchronous_commit: 'on' }])
    } finally {
      await one.end()
    }
  })

  test('without its table it says what to do', async () => {
    await expect(
      pgAttemptLog(pgDatabase(pool), 'elsewhere').take(newPlace(), randomUUID()),
    ).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
  })
})
