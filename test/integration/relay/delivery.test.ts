import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readWireHeaders } from '../../../src/message/wire-headers.ts'
import { type RelayWorld, relayWorld, topic, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

describe('a row inserted by plain SQL', () => {
  test('arrives with its key, its body byte for byte and its headers', async () => {
    await world.relay()
    const body = `{ "z": 1,  "a": "ÄÖ 漢字 😀 \ufeff\u2028\\u0041" }`
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, headers, created_at, expires_at)
       values ('order', 'kéy-😀', 'order.placed', $1, '{"tenant": "t-1"}', '2026-11-24 08:53:07.510243', '2026-11-25')`,
      [body],
    )
    await until('it is delivered', () => world.bodies().length === 1)
    const [record] = world.transport.records(topic)
    expect(String(record?.key)).toBe('kéy-😀')
    expect(record?.value).toEqual(Buffer.from(body))
    expect(readWireHeaders(record?.headers ?? [])).toMatchObject({
      type: 'order.placed',
      version: 1,
      createdAtUs: BigInt(Date.UTC(2026, 10, 24, 8, 53, 7)) * 1000n + 510243n,
      context: { expiresAtUs: BigInt(Date.UTC(2026, 10, 25)) * 1000n },
      headers: { tenant: 't-1' },
    })
    const { rows } = await world.pool.query<{ id: string }>('select id from backstitch.outbox')
    expect(readWireHeaders(record?.headers ?? []).id).toBe(rows[0]?.id)
  })

  test('arrives byte for byte when its body is no text, and as a tombstone when it has none', async () => {
    await world.relay()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload_binary, content_type)
       values ('order', 'a', 'order.placed', $1, 'application/octet-stream')`,
      [bytes],
    )
    await world.insert('a', null, '')
    await until('they are delivered', () => world.bodies().length === 3)
    const records = world.transport.records(topic)
    expect(records[0]?.value).toEqual(bytes)
    expect(records[0]?.headers.map(([name]) => name)).toContain('content-type')
    expect(records[1]?.value).toBeNull()
    expect(records[2]?.value).toEqual(Buffer.alloc(0))
  })

  test('is stamped with the time of its publishing, not with its own: an old one would expire unread (rule A6)', async () => {
    await world.relay()
    const before = Date.now()
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, created_at) values ('order', 'a', 't', '2001-01-01')`,
    )
    await until('it is delivered', () => world.bodies().length === 1)
    expect(world.transport.records(topic)[0]?.timestampMs).toBeGreaterThanOrEqual(before)
  })
})

describe('a transaction', () => {
  test('that rolls back, in whole or to a savepoint, delivers nothing of that', async () => {
    await world.relay()
    const first = await world.open()
    await first.client.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'a', 't', 'ghost')`,
    )
    await first.rollback()
    const second = await world.open()
    const insert = (payload: string) =>
      second.client.query(
        `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'a', 't', $1)`,
        [payload],
      )
    await insert('one')
    await second.client.query('savepoint s')
    await insert('ghost')
    await second.client.query('rollback to s')
    await second.client.query('savepoint s')
    await insert('two')
    await second.client.query('release s')
    await second.commit()
    await until('it is delivered', () => world.bodies().length >= 2)
    await world.insert('a', 'three')
    await until('the next is delivered', () => world.bodies().length >= 3)
    expect(world.bodies()).toEqual(['one', 'two', 'three'])
  })

  test('that stays open, here, in another database, or prepared, holds up nobody else', async () => {
    await world.relay()
    const here = await world.open()
    await here.client.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'a', 't', 'late')`,
    )
    const prepared = await world.open()
    await prepared.client.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'b', 't', 'later')`,
    )
    await prepared.client.query(`prepare transaction 'relay-test'`)
    prepared.client.release()
    for (let n = 0; n < 50; n++) {
      const startedAtMs = performance.now()
      await world.insert('c', String(n))
      await until('it is delivered', () => world.bodies().includes(String(n)))
      expect(performance.now() - startedAtMs).toBeLessThan(2_000)
    }
    await here.commit()
    await world.pool.query(`commit prepared 'relay-test'`)
    await until('the late ones are delivered', () => world.bodies().length === 52)
    expect(world.bodies().slice(-2).toSorted()).toEqual(['late', 'later'])
  })
})

test('the rows of a key are in commit order when each writer locks the key first, and need not be otherwise (rule C24)', async () => {
  await world.pool.query('create table account (key text primary key); insert into account values ($$a$$)')
  const insert = `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'a', 't', $1)`
  const [first, second] = [await world.open(), await world.open()]
  // the seq is drawn before the lock is waited for: a lock in the statement of the insert, or after it, orders nothing
  await first.client.query(insert, ['commits last'])
  await second.client.query(`select from account where key = 'a' for update`)
  await second.client.query(insert, ['commits first'])
  const waiting = first.client.query(`select from account where key = 'a' for update`)
  await second.commit()
  await waiting
  await first.commit()
  await world.relay()
  await until('both are delivered', () => world.bodies().length === 2)
  expect(world.bodies()).toEqual(['commits last', 'commits first'])

  const [third, fourth] = [await world.open(), await world.open()]
  await third.client.query(`select from account where key = 'a' for update`)
  const locking = fourth.client.query(`select from account where key = 'a' for update`)
  await third.client.query(insert, ['three'])
  await third.commit()
  await locking
  await fourth.client.query(insert, ['four'])
  await fourth.commit()
  await until('both are delivered', () => world.bodies().length === 4)
  expect(world.bodies().slice(2)).toEqual(['three', 'four'])
})
