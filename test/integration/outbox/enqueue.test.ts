import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Message } from '../../../src/message/message.ts'
import { outboxOver } from '../../../src/outbox/outbox.ts'
import { pgOutboxStore } from '../../../src/postgres/pg-outbox-store.ts'
import { Noted, type OutboxDatabase, outboxDatabase } from './outbox-database.ts'

let database: OutboxDatabase
beforeAll(async () => {
  database = await outboxDatabase()
})
afterEach(async () => {
  await database.takeRows()
})
afterAll(() => database.close())

const noted = (key: string, text: unknown = key): Message => Noted.create({ key, text })

describe('in the transaction of a pg client', () => {
  test('a message commits with the transaction', async () => {
    const message = noted('a')
    await database.transaction(async (client) => {
      await database.outbox.enqueue(client, message)
      const seen = await database.pool.query('select from backstitch.outbox')
      expect(seen.rowCount).toBe(0)
    })
    expect(await database.takeRows()).toMatchObject([
      {
        id: message.id,
        aggregatetype: 'note',
        aggregateid: 'a',
        type: 'note.noted',
        version: 1,
        payload: '{"key":"a","text":"a"}',
        payload_binary: null,
        content_type: null,
        headers: null,
        saga_id: null,
      },
    ])
  })

  test('leaves nothing behind a rollback', async () => {
    const outcome = database.transaction(async (client) => {
      await database.outbox.enqueue(client, noted('a'))
      throw new Error('changed my mind')
    })
    await expect(outcome).rejects.toThrow('changed my mind')
    expect(await database.takeRows()).toEqual([])
  })

  test('writes 2,000 messages with one statement, in their order, under one transaction id', async () => {
    const messages = Array.from({ length: 2_000 }, (_, i) => noted(`k${(i * 7_919) % 2_000}`, i))
    const xid = await database.transaction(async (client) => {
      const query = vi.spyOn(client, 'query')
      await database.outbox.enqueue(client, messages)
      expect(query).toHaveBeenCalledTimes(1)
      query.mockRestore()
      const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
      return rows[0]?.xid
    })
    const rows = await database.takeRows()
    expect(rows.map(({ id }) => id)).toEqual(messages.map(({ id }) => id))
    expect(new Set(rows.map((row) => row['xid']))).toEqual(new Set([xid]))
    const seqs = rows.map(({ seq }) => Number(seq))
    expect(seqs.every((seq, i) => i === 0 || seq === (seqs[i - 1] ?? 0) + 1)).toBe(true)
  })

  test('a savepoint takes back what was written after it, and nothing else', async () => {
    const xid = await database.transaction(async (client) => {
      await database.outbox.enqueue(client, noted('before'))
      await client.query('savepoint s')
      await database.outbox.enqueue(client, noted('taken back'))
      await client.query('rollback to savepoint s')
      await client.query('savepoint t')
      await database.outbox.enqueue(client, noted('after'))
      await client.query('release savepoint t')
      const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
      return rows[0]?.xid
    })
    // The id of the whole transaction, not of the savepoint: the relay’s windows speak of whole transactions.
    expect(await database.takeRows('aggregateid, xid')).toEqual([
      { aggregateid: 'before', xid },
      { aggregateid: 'after', xid },
    ])
  })

  test('any object with query(text, values) will do', async () => {
    await database.transaction(async (client) => {
      const wrapped = {
        query: (text: string, values?: readonly unknown[]) => client.query(text, [...(values ?? [])]),
      }
      await database.outbox.enqueue(wrapped, noted('a'))
    })
    expect(await database.takeRows('aggregateid')).toEqual([{ aggregateid: 'a' }])
  })

  test('a message is written with a client of its own too', async () => {
    const client = new Client({ connectionString: database.url })
    await client.connect()
    await client.query('begin')
    await database.outbox.enqueue(client, noted('a'))
    await client.query('commit')
    await client.end()
    expect(await database.takeRows('aggregateid')).toEqual([{ aggregateid: 'a' }])
  })
})

describe('what is refused leaves the transaction usable', () => {
  const good = noted('good')
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  let deep: unknown = 0
  for (let i = 0; i < 10_000; i++) deep = [deep]

  test.each<[string, unknown, string]>([
    ['an id that is no UUID', { ...good, id: 'order-1' }, 'MESSAGE_INVALID'],
    ['a key with NUL', { ...good, key: 'a\0' }, 'MESSAGE_INVALID'],
    ['a key with a lone surrogate', { ...good, key: 'a\ud800' }, 'MESSAGE_INVALID'],
    ['a type with NUL', { ...good, type: '\0' }, 'MESSAGE_INVALID'],
    [
      'a correlation id with a lone surrogate',
      { ...good, context: { correlationId: '\udc00' } },
      'MESSAGE_INVALID',
    ],
    ['a header with NUL', { ...good, headers: { a: '\0' } }, 'MESSAGE_INVALID'],
    ['a header of ours', { ...good, headers: { id: 'x' } }, 'MESSAGE_INVALID'],
    ['a version beyond the column', { ...good, version: 2 ** 40 }, 'MESSAGE_INVALID'],
    ['a version as a text', { ...good, version: 'one' }, 'MESSAGE_INVALID'],
    ['an expiry beyond time', { ...good, context: { expiresAtUs: 2n ** 62n } }, 'MESSAGE_INVALID'],
    ['a bigint', { ...good, body: 1n }, 'MESSAGE_INVALID'],
    ['a cycle', { ...good, body: cyclic }, 'MESSAGE_INVALID'],
    ['a body nested too deep', { ...good, body: deep }, 'MESSAGE_TOO_LARGE'],
    ['a body of 1 MB', { ...good, body: 'x'.repeat(1_000_000) }, 'MESSAGE_TOO_LARGE'],
  ])('%s', async (_, bad, code) => {
    await database.transaction(async (client) => {
      const outcome = database.outbox.enqueue(client, [good, bad as Message])
      await expect(outcome).rejects.toMatchObject({ code })
      await database.outbox.enqueue(client, good)
    })
    expect(await database.takeRows('aggregateid')).toEqual([{ aggregateid: 'good' }])
  })

  test('a pool, which has no transaction', async () => {
    await expect(database.outbox.enqueue(database.pool as never, good)).rejects.toMatchObject({
      code: 'TRANSACTION_UNSUPPORTED',
    })
    expect(await database.takeRows()).toEqual([])
  })
})

describe('where the tables are', () => {
  test('a schema that was never migrated is said to be missing', async () => {
    const elsewhere = outboxOver(pgOutboxStore('elsewhere'), { service: 'notes' })
    const outcome = database.transaction((client) => elsewhere.enqueue(client, noted('a')))
    await expect(outcome).rejects.toMatchObject({ code: 'SCHEMA_MISSING', cause: { code: '42P01' } })
  })

  test('any other error of Postgres passes as it is', async () => {
    await database.transaction(async (client) => {
      await client.query('savepoint s')
      await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
      await expect(database.outbox.enqueue(client, noted('a'))).rejects.toMatchObject({ code: '25P02' })
      await client.query('rollback to savepoint s')
    })
  })

  test('a schema may have any name that Postgres takes', async () => {
    const odd = await outboxDatabase('Größe 1')
    await odd.transaction((client) => odd.outbox.enqueue(client, noted('a')))
    expect(await odd.takeRows('aggregateid')).toEqual([{ aggregateid: 'a' }])
    await odd.close()
  })
})
