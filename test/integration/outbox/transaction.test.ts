import { createOutbox } from 'backstitch'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Noted, type OutboxDatabase, outboxDatabase } from './outbox-database.ts'

let database: OutboxDatabase
beforeAll(async () => {
  database = await outboxDatabase()
  await database.pool.query(
    'create table note (key text primary key); create table counter (key text primary key, n integer); insert into counter values ($$k$$, 0)',
  )
})
afterEach(async () => {
  await database.takeRows()
  await database.pool.query('truncate note')
})
afterAll(() => database.close())

const noted = (key: string, text: unknown = key) => Noted.create({ key, text })
const notes = async (): Promise<unknown[]> =>
  (await database.pool.query<{ key: string }>('select key from note order by key')).rows.map(({ key }) => key)

describe.each([
  ['a pool', { pipeline: false }, {}],
  ['a pool with pipeline mode', { pipeline: true }, {}],
  ['a pool with prepared statements', { pipeline: false }, { preparedStatements: true }],
  ['a pool with pipeline mode and prepared statements', { pipeline: true }, { preparedStatements: true }],
] as const)('the transactions of %s', (_, poolOptions, outboxOptions) => {
  const committed: string[] = []
  const outbox = createOutbox({
    service: 'notes',
    ...outboxOptions,
    onCommitted: () => void committed.push('told'),
  })
  let pool: Pool
  beforeAll(() => {
    pool = new Pool({ connectionString: database.url, max: 1, ...poolOptions })
  })
  afterAll(() => pool.end())

  test('commit the change with one message, and with many', async () => {
    for (const texts of [['a'], [`' \\ " $1 $2 ; commit`, '\\', `E'`, '%s ? 😀 \u0001']])
      for (let again = 0; again < 2; again++) {
        const messages = texts.map((text) => noted('k', text))
        const result = await outbox.transaction(pool, async (tx) => {
          await tx.query('insert into note values ($1)', [messages[0]?.id])
          await outbox.enqueue(messages)
          return 'result'
        })
        expect(result).toBe('result')
        const rows = await database.takeRows('id, payload')
        expect(rows).toEqual(messages.map(({ id, body }) => ({ id, payload: JSON.stringify(body) })))
      }
    expect(await notes()).toHaveLength(4)
    expect(committed).toHaveLength(4)
  })

  test('leave nothing when the work rejects', async () => {
    const outcome = outbox.transaction(pool, async (tx) => {
      await tx.query(`insert into note values ('a')`)
      await outbox.enqueue(noted('a'))
      throw new Error('changed my mind')
    })
    await expect(outcome).rejects.toThrow('changed my mind')
    expect([await notes(), await database.takeRows()]).toEqual([[], []])
  })

  test('commit nothing when the messages cannot be written', async () => {
    const elsewhere = createOutbox({ service: 'notes', schema: 'elsewhere', ...outboxOptions })
    for (const messages of [[noted('a')], [noted('a'), noted('b')]]) {
      const outcome = elsewhere.transaction(pool, async (tx) => {
        await tx.query(`insert into note values ('a')`)
        await elsewhere.enqueue(messages)
      })
      await expect(outcome).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
      expect(await notes()).toEqual([])
    }
    const { rows } = await pool.query('select 1 as n')
    expect(rows).toEqual([{ n: 1 }])
  })

  test('say so when the work swallowed the error of a statement', async () => {
    for (const messages of [[], [noted('a')]]) {
      const outcome = outbox.transaction(pool, async (tx) => {
        await tx.query('select 1/0').catch(() => undefined)
        await outbox.enqueue(messages)
      })
      await expect(outcome).rejects.toMatchObject({ code: 'TRANSACTION_ABORTED' })
    }
    expect(await database.takeRows()).toEqual([])
  })

  test('send the messages together with the commit', async () => {
    const sent: string[] = []
    await outbox.transaction(pool, async (tx) => {
      await outbox.enqueue(noted('a'))
      // what is sent at the end goes past the view that the work was lent
      const client = Object.getPrototypeOf(tx) as typeof tx
      const query = client.query.bind(client) as (config: unknown) => unknown
      client.query = ((config: string | { text: string }) => {
        sent.push(typeof config === 'string' ? config : config.text)
        return query(config)
      }) as typeof tx.query
      client.once('drain', () => (client.query = query as typeof tx.query))
    })
    const expected = poolOptions.pipeline
      ? [/^insert/, /^commit$/]
      : [/^insert into "backstitch".outbox [^;]*;\ncommit$/]
    expect(sent).toEqual(expected.map((text) => expect.stringMatching(text)))
  })
})

describe('the order of a key’s messages, by rule C24', () => {
  /** Two transactions that enqueue before they take the key’s lock; the one that enqueued first commits last. */
  async function race(write: 'now' | 'last'): Promise<unknown[]> {
    const outbox = createOutbox({ service: 'notes' })
    const enqueued = Promise.withResolvers<void>()
    const other = Promise.withResolvers<void>()
    const first = outbox.transaction(database.pool, async (tx) => {
      if (write === 'now') await outbox.enqueue(tx, noted('k', 'enqueued first'))
      else await outbox.enqueue(noted('k', 'enqueued first'))
      enqueued.resolve()
      await other.promise
      await tx.query(`update counter set n = n + 1 where key = 'k'`)
    })
    await enqueued.promise
    await outbox.transaction(database.pool, async (tx) => {
      if (write === 'now') await outbox.enqueue(tx, noted('k', 'committed first'))
      else await outbox.enqueue(noted('k', 'committed first'))
      await tx.query(`update counter set n = n + 1 where key = 'k'`)
    })
    other.resolve()
    await first
    return (await database.takeRows(`payload::jsonb ->> 'text' as text`)).map((row) => row['text'])
  }

  test('is that of the commits with a unit of work, and not with an insert before the lock', async () => {
    expect(await race('last')).toEqual(['committed first', 'enqueued first'])
    expect(await race('now')).toEqual(['enqueued first', 'committed first'])
  })
})
