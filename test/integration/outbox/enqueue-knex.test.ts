import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Message } from '../../../src/message/message.ts'
import { Noted, type OutboxDatabase, outboxDatabase } from './outbox-database.ts'

let database: OutboxDatabase
let instance: Knex
beforeAll(async () => {
  database = await outboxDatabase()
  instance = knex({ client: 'pg', connection: database.url, pool: { min: 0, max: 2 } })
  await instance.schema.createTable('note', (table) => {
    table.text('key').primary()
  })
})
afterEach(async () => {
  await database.takeRows()
  await instance('note').delete()
})
afterAll(async () => {
  await instance.destroy()
  await database.close()
})

const noted = (key: string, text: unknown = key): Message => Noted.create({ key, text })

test('the domain change and its message commit together', async () => {
  await instance.transaction(async (tx) => {
    await tx('note').insert({ key: 'a' })
    await database.outbox.enqueue(tx, noted('a'))
  })
  expect(await instance('note').select()).toEqual([{ key: 'a' }])
  expect(await database.takeRows('aggregateid, payload')).toEqual([
    { aggregateid: 'a', payload: '{"key":"a","text":"a"}' },
  ])
})

test('and roll back together', async () => {
  const outcome = instance.transaction(async (tx) => {
    await tx('note').insert({ key: 'a' })
    await database.outbox.enqueue(tx, noted('a'))
    await tx('note').insert({ key: 'a' })
  })
  await expect(outcome).rejects.toMatchObject({ code: '23505' })
  expect(await instance('note').select()).toEqual([])
  expect(await database.takeRows()).toEqual([])
})

test('many messages are one statement, in their order', async () => {
  const statements: string[] = []
  const listen = ({ sql }: { sql: string }): void => void statements.push(sql)
  const messages = Array.from({ length: 500 }, (_, i) => noted(`k${(i * 37) % 500}`))
  await instance.transaction(async (tx) => {
    tx.on('query', listen)
    await database.outbox.enqueue(tx, messages)
    tx.off('query', listen)
  })
  expect(statements.filter((sql) => sql.startsWith('insert'))).toHaveLength(1)
  expect(statements).toHaveLength(1)
  expect((await database.takeRows('id')).map(({ id }) => id)).toEqual(messages.map(({ id }) => id))
})

test('what knex takes for its own marks arrives as it was written', async () => {
  const texts = ['?', '??', ':name', String.raw`\?`, '$1', '$$ ? $$', '%s']
  await instance.transaction((tx) =>
    database.outbox.enqueue(
      tx,
      texts.map((text) => Noted.create({ key: text, text }, { headers: { mark: text } })),
    ),
  )
  const rows = await database.takeRows('aggregateid, payload, headers')
  expect(rows).toEqual(
    texts.map((text) => ({
      aggregateid: text,
      payload: JSON.stringify({ key: text, text }),
      headers: { mark: text },
    })),
  )
})

test('a nested transaction is a savepoint', async () => {
  await instance.transaction(async (tx) => {
    await database.outbox.enqueue(tx, noted('outer'))
    const nested = tx.transaction(async (inner) => {
      await database.outbox.enqueue(inner, noted('inner'))
      throw new Error('taken back')
    })
    await expect(nested).rejects.toThrow('taken back')
    await database.outbox.enqueue(tx, noted('after'))
  })
  expect(await database.takeRows('aggregateid')).toEqual([{ aggregateid: 'outer' }, { aggregateid: 'after' }])
})

test('a refused message leaves the transaction usable', async () => {
  await instance.transaction(async (tx) => {
    const bad = { ...noted('a'), key: 'a\0' }
    await expect(database.outbox.enqueue(tx, bad)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' })
    await database.outbox.enqueue(tx, noted('b'))
  })
  expect(await database.takeRows('aggregateid')).toEqual([{ aggregateid: 'b' }])
})

test('a knex instance, which has no transaction, is refused', async () => {
  await expect(database.outbox.enqueue(instance, noted('a'))).rejects.toMatchObject({
    code: 'TRANSACTION_UNSUPPORTED',
  })
  expect(await database.takeRows()).toEqual([])
})

test('a transaction that is over writes nothing', async () => {
  let ended: Knex.Transaction | undefined
  await instance.transaction(async (tx) => {
    ended = tx
    await tx('note').insert({ key: 'a' })
  })
  await expect(database.outbox.enqueue(ended!, noted('a'))).rejects.toThrow(/already complete/)
  expect(await database.takeRows()).toEqual([])
})
