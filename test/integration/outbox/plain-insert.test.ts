import type { QueryResult } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type OutboxDatabase, outboxDatabase } from './outbox-database.ts'

let database: OutboxDatabase
beforeAll(async () => {
  database = await outboxDatabase()
})
afterEach(async () => {
  await database.takeRows()
})
afterAll(() => database.close())

const insert = (columns: string, values: string): Promise<QueryResult> =>
  database.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type${columns}) values ('note', 'a', 'note.noted'${values})`,
  )

describe('an insert by plain SQL of any language', () => {
  test('needs no more than the columns of Debezium’s router; the rest has defaults', async () => {
    await insert(', payload', `, '{"b": 1,  "a": [2]}'`)
    const [row] = await database.takeRows()
    expect(row).toMatchObject({
      version: 1,
      payload: '{"b": 1,  "a": [2]}',
      payload_binary: null,
      content_type: null,
      headers: null,
      correlation_id: null,
      traceparent: null,
      saga_id: null,
      expires_at: null,
    })
  })

  test('gets an id of version 7 that begins with the time', async () => {
    const before = Date.now()
    await database.pool.query(`insert into backstitch.outbox (aggregatetype, aggregateid, type)
      select 'note', n::text, 'note.noted' from generate_series(1, 1000) n`)
    const ids = (await database.takeRows('id')).map(({ id }) => String(id))
    expect(new Set(ids).size).toBe(1_000)
    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
      expect(Math.abs(time - before)).toBeLessThan(60_000)
    }
  })

  test.each(['UTC', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Kiritimati'])(
    'is dated in UTC by a session in %s',
    async (zone) => {
      await database.transaction(async (client) => {
        await client.query(`set local timezone to '${zone}'`)
        await client.query(
          `insert into backstitch.outbox (aggregatetype, aggregateid, type) values ('note', 'a', 'note.noted')`,
        )
      })
      const [row] = await database.takeRows(
        `abs(extract(epoch from created_at) - extract(epoch from clock_timestamp())) < 60 as now`,
      )
      expect(row).toEqual({ now: true })
    },
  )

  test('is dated when it is made, not when its transaction began', async () => {
    await database.transaction(async (client) => {
      await client.query('select pg_sleep(0.02)')
      await client.query(`insert into backstitch.outbox (aggregatetype, aggregateid, type, correlation_id)
        values ('note', 'a', 'note.noted', (now() at time zone 'UTC')::text)`)
    })
    expect(
      await database.takeRows(`created_at - correlation_id::timestamp >= interval '20 ms' as later`),
    ).toEqual([{ later: true }])
  })

  test('has its transaction’s id, and a number that grows', async () => {
    const xid = await database.transaction(async (client) => {
      for (const key of ['a', 'b', 'c'])
        await client.query(
          `insert into backstitch.outbox (aggregatetype, aggregateid, type) values ('note', $1, 'note.noted')`,
          [key],
        )
      const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
      return rows[0]?.xid
    })
    const rows = await database.takeRows('aggregateid, xid, seq')
    expect(rows.map(({ aggregateid }) => aggregateid)).toEqual(['a', 'b', 'c'])
    expect(rows.every((row) => row['xid'] === xid)).toBe(true)
  })

  test('takes a jsonb value and bytes', async () => {
    await insert(', payload', `, '{"a": 1}'::jsonb`)
    await insert(', payload_binary', String.raw`, '\x00ff80'::bytea`)
    expect(await database.takeRows('payload, payload_binary')).toEqual([
      { payload: '{"a": 1}', payload_binary: null },
      { payload: null, payload_binary: Buffer.from([0, 0xff, 0x80]) },
    ])
  })

  test('cannot have a text and bytes at once', async () => {
    await expect(insert(', payload, payload_binary', `, '{}', ''`)).rejects.toMatchObject({
      code: '23514',
      constraint: 'outbox_one_payload',
    })
  })
})

// A row whose xid is not that of its own transaction would never be published, or be published for ever (docs: the snapshot difference).
describe('nobody sets xid or seq by hand', () => {
  test.each<[string, string, string]>([
    ['an xid of the past', `'3'::xid8`, '23514'],
    ['an xid of another cluster', `'9000000000'::xid8`, '23514'],
    ['no xid', 'null', '23502'],
  ])('%s is refused', async (_, xid, code) => {
    await expect(insert(', xid', `, ${xid}`)).rejects.toMatchObject({ code })
    expect(await database.takeRows()).toEqual([])
  })

  test('its own xid, said aloud, is the default’s', async () => {
    await insert(', xid', ', pg_current_xact_id()')
    expect(await database.takeRows('aggregateid')).toEqual([{ aggregateid: 'a' }])
  })

  test('a seq of one’s own is refused', async () => {
    await expect(insert(', seq', ', 7')).rejects.toMatchObject({ code: '428C9' })
  })

  test('the check stands on every leaf, not yet validated, and not on the root: so a dump can be restored', async () => {
    const { rows } = await database.pool.query(`
      select leaf.relname, coalesce(bool_or(not check_.convalidated), false) as checked
      from pg_class leaf
      left join pg_constraint check_ on check_.conrelid = leaf.oid and check_.conname = 'outbox_own_xid'
      where leaf.relnamespace = 'backstitch'::regnamespace and leaf.relname ~ '^outbox(_default|_[0-9]+)?$' and leaf.relkind in ('r', 'p')
      group by leaf.relname order by leaf.relname`)
    expect(rows).toEqual([
      { relname: 'outbox', checked: false },
      { relname: 'outbox_0', checked: true },
      { relname: 'outbox_1', checked: true },
      { relname: 'outbox_2', checked: true },
      { relname: 'outbox_3', checked: true },
      { relname: 'outbox_default', checked: true },
    ])
  })

  test('behind the last leaf rows go to the default partition, which checks the same', async () => {
    const sequence = `pg_get_serial_sequence('backstitch.outbox', 'seq')`
    const { rows } = await database.pool.query<{ last: string }>(`select nextval(${sequence})::text as last`)
    try {
      await database.pool.query(`select setval(${sequence}, 4000000)`)
      await insert('', '')
      await expect(insert(', xid', `, '3'::xid8`)).rejects.toMatchObject({
        code: '23514',
        table: 'outbox_default',
      })
      expect(await database.takeRows('tableoid::regclass::text as leaf')).toEqual([
        { leaf: 'backstitch.outbox_default' },
      ])
    } finally {
      await database.pool.query(`select setval(${sequence}, $1::bigint)`, [rows[0]?.last])
    }
  })
})
