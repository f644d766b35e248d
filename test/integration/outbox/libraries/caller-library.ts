import { createOutbox, type CallerTransaction, type TransactionSource } from 'backstitch'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../../../../src/postgres/migrate.ts'
import { Noted, type OutboxDatabase, outboxDatabase } from '../outbox-database.ts'
import { everyColumn, Tracked, trackOrder } from './messages.ts'

/** A library that opens transactions, as its users use it. */
export type CallerLibrary<Tx extends CallerTransaction> = {
  /** Commits with the work, or rolls back with its error. */
  transaction(work: (tx: Tx) => Promise<void>): Promise<unknown>
  /** What opens its transactions by itself, where there is such a thing. */
  readonly database?: TransactionSource
  /** Inserts into the table `note (key text primary key)`, by the library’s own means. */
  note(tx: Tx, key: string): Promise<unknown>
  /** What has no transaction, by what it is. */
  readonly refused: Readonly<Record<string, unknown>>
  close(): Promise<unknown>
}

/** Everything that an outbox does in a caller’s transaction, through one library. */
export function testCallerLibrary<Tx extends CallerTransaction>(
  name: string,
  open: (url: string) => Promise<CallerLibrary<Tx>>,
): void {
  const noted = (key: string) => Noted.create({ key, text: key })
  const outbox = createOutbox({ service: 'notes' })
  let database: OutboxDatabase
  let library: CallerLibrary<Tx>

  beforeAll(async () => {
    database = await outboxDatabase()
    await migrate({ database: database.url, parts: ['outbox', 'inbox', 'saga', 'timer'] })
    await database.pool.query('create table note (key text primary key)')
    library = await open(database.url)
  })
  afterEach(async () => {
    await database.takeRows()
    await database.pool.query('truncate note, backstitch.outbox_deferred')
  })
  afterAll(async () => {
    await library.close()
    await database.close()
  })

  const notes = async (): Promise<unknown[]> =>
    (await database.pool.query<{ key: string }>('select key from note order by key')).rows.map(
      ({ key }) => key,
    )
  const keys = async (): Promise<unknown[]> =>
    (await database.takeRows('aggregateid')).map((row) => row['aggregateid'])

  describe(`in a transaction of ${name}`, () => {
    test('a message commits with the domain change', async () => {
      const message = noted('a')
      await library.transaction(async (tx) => {
        await library.note(tx, 'a')
        await outbox.enqueue(tx, message)
        expect((await database.pool.query('select from backstitch.outbox')).rowCount).toBe(0)
      })
      expect(await notes()).toEqual(['a'])
      expect(await database.takeRows('id, payload')).toEqual([
        { id: message.id, payload: '{"key":"a","text":"a"}' },
      ])
    })

    test('and rolls back with it', async () => {
      const outcome = library.transaction(async (tx) => {
        await library.note(tx, 'a')
        await outbox.enqueue(tx, noted('a'))
        throw new Error('changed my mind')
      })
      await expect(outcome).rejects.toThrow('changed my mind')
      expect([await notes(), await keys()]).toEqual([[], []])
    })

    test('every column arrives as it does through a client of pg, for one message and for many', async () => {
      const columns = `aggregatetype, aggregateid, type, version, payload, encode(payload_binary, 'hex') as bytes, content_type, headers,
        correlation_id, causation_id, traceparent, tracestate, saga_id, saga_name, saga_step, saga_round, saga_direction, saga_attempt,
        reply_to, outcome, expires_at::text`
      await database.transaction(async (client) => {
        for (const { writer, message } of everyColumn()) await writer.enqueue(client, message)
      })
      const expected = await database.takeRows(columns)
      expect(expected).toHaveLength(3)
      expect(expected[0]).toMatchObject({
        expires_at: '2026-11-24 10:00:00.123457',
        headers: { q: '?', 'a"b': "$1'\\" },
      })
      expect(expected[1]).toMatchObject({ bytes: '00ff27', payload: null })
      await library.transaction(async (tx) => {
        for (const { writer, message } of everyColumn()) await writer.enqueue(tx, message)
      })
      expect(await database.takeRows(columns)).toEqual(expected)
      await library.transaction(async (tx) => {
        for (const { writer, message } of everyColumn())
          await writer.enqueue(tx, [message, message].map(asNew))
      })
      expect(await database.takeRows(columns)).toEqual(expected.flatMap((row) => [row, row]))
    })

    test('two thousand messages keep their order', async () => {
      const many = Array.from({ length: 2_000 }, (_, n) => noted(`k${(n * 7_919) % 2_000}`))
      await library.transaction((tx) => outbox.enqueue(tx, many))
      expect(await keys()).toEqual(many.map(({ key }) => key))
    })

    test('a unit of work writes last of all, and a savepoint takes back what was enqueued in it', async () => {
      const opener = library.database ?? ((work: (tx: Tx) => Promise<void>) => library.transaction(work))
      await outbox.transaction(
        opener as (work: (tx: Tx) => Promise<void>) => Promise<unknown>,
        async (tx, unit) => {
          await outbox.enqueue(noted('first'))
          await library.note(tx, 'a')
          const attempt = unit.savepoint(async (inner) => {
            await outbox.enqueue(noted('taken back'))
            await library.note(inner, 'b')
            await library.note(inner, 'a')
          })
          await expect(attempt).rejects.toThrow()
          await unit.savepoint(async (inner) => {
            await library.note(inner, 'c')
            await outbox.enqueue(noted('kept'))
          })
          await outbox.enqueue(noted('last'))
        },
      )
      expect(await notes()).toEqual(['a', 'c'])
      const rows = await database.takeRows('aggregateid, seq, xid')
      expect(rows.map((row) => row['aggregateid'])).toEqual(['first', 'kept', 'last'])
      expect(new Set(rows.map((row) => row['xid'])).size).toBe(1)
    })

    test('no other is opened in it by its own means, for its commit would not be the last word', async () => {
      await library.transaction(async (tx) => {
        const outcome = outbox.transaction(tx as never, () => outbox.enqueue(noted('a')))
        await expect(outcome).rejects.toMatchObject({ code: 'TRANSACTION_UNSUPPORTED' })
      })
      expect(await keys()).toEqual([])
    })

    test('a message is held back, and taken back', async () => {
      const kept = noted('kept')
      const cancelled = noted('cancelled')
      await library.transaction(async (tx) => {
        await outbox.enqueue(tx, [kept, cancelled], { notBefore: '1h' })
        await outbox.enqueue(tx, noted('at a time'), {
          notBefore: new Date(Date.UTC(2099, 0, 2, 3, 4, 5, 678)),
        })
      })
      await library.transaction(async (tx) => {
        expect(await outbox.cancel(tx, cancelled.id)).toBe(true)
        expect(await outbox.cancel(tx, cancelled.id)).toBe(false)
      })
      const { rows } = await database.pool.query(
        `select aggregateid, payload, due_at > now() + interval '59 minutes' as later, due_at at time zone 'UTC' = '2099-01-02 03:04:05.678' as exact
         from backstitch.outbox_deferred order by seq`,
      )
      expect(rows).toEqual([
        { aggregateid: 'kept', payload: '{"key":"kept","text":"kept"}', later: true, exact: false },
        {
          aggregateid: 'at a time',
          payload: '{"key":"at a time","text":"at a time"}',
          later: true,
          exact: true,
        },
      ])
      expect(await keys()).toEqual([])
    })

    test('an outbox with a limit asks for the age of its backlog', async () => {
      const limited = () => createOutbox({ service: 'notes', backlog: { ageMsMax: 5_000 } })
      await library.transaction((tx) => limited().enqueue(tx, noted('a')))
      await database.pool.query('truncate backstitch.outbox')
      await database.pool.query(
        `insert into backstitch.outbox (aggregatetype, aggregateid, type, created_at)
         values ('note', 'old', 'note.noted', now() at time zone 'UTC' - interval '6 s')`,
      )
      await expect(library.transaction((tx) => limited().enqueue(tx, noted('b')))).rejects.toMatchObject({
        code: 'OUTBOX_BACKLOGGED',
      })
      expect(await keys()).toEqual(['old'])
    })

    test('a saga starts', async () => {
      const order = { orderId: crypto.randomUUID() }
      await library.transaction(async (tx) => {
        expect(await trackOrder.start(tx, order)).toMatchObject({ started: true })
      })
      await library.transaction(async (tx) => {
        expect(await trackOrder.start(tx, order)).toMatchObject({ started: false })
      })
      const { rows } = await database.pool.query('select business_key from backstitch.saga_instance')
      expect(rows).toEqual([{ business_key: order.orderId }])
      expect(await database.takeRows('type')).toEqual([{ type: Tracked.name }])
    })
  })

  test(`what has no transaction in ${name} is refused, by what it is`, async () => {
    for (const [what, value] of Object.entries(library.refused)) {
      const outcome = outbox.enqueue(value as CallerTransaction, noted('a'))
      await expect(outcome, what).rejects.toMatchObject({
        code: 'TRANSACTION_UNSUPPORTED',
        message: expect.stringContaining(what),
      })
    }
    expect(await keys()).toEqual([])
  })
}

function asNew<Message extends { readonly id: string }>(message: Message): Message {
  return { ...message, id: crypto.randomUUID() }
}
