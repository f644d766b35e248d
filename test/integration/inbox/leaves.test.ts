import type { ProcessPart } from '../../../src/kernel/lifecycle.ts'
import type { PoolClient } from 'pg'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { event } from '../../../src/message/event.ts'
import { migrate } from '../../../src/postgres/migrate.ts'
import { createConsumer } from '../../../src/runtime/create-consumer.ts'
import { createOrchestrator } from '../../../src/runtime/create-orchestrator.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { placeOrder } from '../cli/shop/backstitch.config.ts'
import { serviceDatabase } from './service-database.ts'

const database = serviceDatabase()
const spanMs = 2 ** 29
const present = Math.floor(Date.now() / spanMs)

const leaves = async (): Promise<number[]> => {
  const rows = await database.rows<{ leaf: string }>(
    `select substring(relname from 7) as leaf from pg_class c join pg_inherits i on i.inhrelid = c.oid
     where i.inhparent = 'backstitch.inbox'::regclass and relname ~ '^inbox_[0-9]+$'`,
  )
  return rows.map(({ leaf }) => Number(leaf)).toSorted((a, b) => a - b)
}
const add = async (ahead: number, msMax?: number): Promise<number> => {
  const rows = await database.rows<{ made: number }>(
    `select backstitch.inbox_add_leaves(${[ahead, ...(msMax === undefined ? [] : [msMax])].join(', ')}) as made`,
  )
  return rows[0]!.made
}
/** Ids in the time of a leaf, with random ends. */
const fill = (count: number, leaf: number): Promise<unknown> =>
  database.rows(
    `insert into backstitch.inbox (consumer_group, source, id)
     select 'g', 't', overlay(gen_random_uuid()::text placing $2 from 1 for 13)::uuid from generate_series(1, $1::integer)`,
    [
      count,
      (leaf * spanMs + 1_000)
        .toString(16)
        .padStart(12, '0')
        .replace(/^(.{8})/, '$1-'),
    ],
  )
const opened: PoolClient[] = []
const open = async (sql: string): Promise<PoolClient> => {
  const client = await database.pool().connect()
  await client.query('begin')
  opened.push(client)
  await client.query(sql)
  return client
}
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n)

beforeEach(async () => {
  expect(await leaves()).toEqual(range(present, present + 26))
})
afterEach(async () => {
  for (const client of opened.splice(0)) {
    await client.query('rollback')
    client.release()
  }
  await migrate({ database: database.pool(), parts: ['inbox'], direction: 'down' })
  await migrate({ database: database.pool(), parts: ['inbox'] })
})

describe('inbox_add_leaves', () => {
  test('makes what is missing, and says how many', async () => {
    expect(await add(30)).toBe(4)
    expect(await add(30)).toBe(0)
    expect(await leaves()).toEqual(range(present, present + 30))
    await fill(3, present + 30)
    expect(await database.rows(`select from backstitch.inbox_${present + 30}`)).toHaveLength(3)
    await expect(
      database.rows(
        'insert into backstitch.inbox select consumer_group, source, id from backstitch.inbox limit 1',
      ),
    ).rejects.toMatchObject({ code: '23505' })
  })

  test('passes open transactions that read and write leaves', async () => {
    const client = await open('select count(*) from backstitch.inbox')
    await client.query(
      `insert into backstitch.inbox_${present} (consumer_group, source, id) values ('g', 't', overlay(gen_random_uuid()::text placing $1 from 1 for 13)::uuid)`,
      [
        (present * spanMs)
          .toString(16)
          .padStart(12, '0')
          .replace(/^(.{8})/, '$1-'),
      ],
    )
    await client.query('rollback')
    await client.query('begin')
    await client.query(`select count(*) from backstitch.inbox_${present}`)
    expect(await add(28)).toBe(2)
  })

  test('gives up on what is locked within a moment, and makes it the next time', async () => {
    const client = await open('lock table backstitch.inbox_default in row exclusive mode')
    const beganMs = performance.now()
    expect(await add(30)).toBe(0)
    expect(performance.now() - beganMs).toBeLessThan(1_500)
    await client.query('rollback')
    expect(await add(30)).toBe(4)
  })

  test('does not wait for another call', async () => {
    await open('select backstitch.inbox_add_leaves(27)')
    expect(await add(28)).toBe(0)
  })

  test('takes along the few rows of a leaf that the default partition holds', async () => {
    await fill(5, present + 28)
    await fill(2, present + 60)
    expect(await database.rows('select from backstitch.inbox_default')).toHaveLength(7)
    expect(await add(28)).toBe(2)
    expect(await database.rows(`select from backstitch.inbox_${present + 28}`)).toHaveLength(5)
    expect(await database.rows('select from backstitch.inbox_default')).toHaveLength(2)
  })

  test('leaves out a leaf of which the default partition holds many rows, and makes the others', async () => {
    await fill(1_001, present + 28)
    expect(await add(29)).toBe(2)
    expect(await leaves()).toEqual([...range(present, present + 27), present + 29])
    expect(await database.rows('select from backstitch.inbox_default')).toHaveLength(1_001)
  })

  test('holds up nobody for long over 100,000 rows in the default partition', async () => {
    await fill(100_000, present + 60)
    const beganMs = performance.now()
    expect(await add(27)).toBe(1)
    const tookMs = performance.now() - beganMs
    expect(tookMs).toBeLessThan(1_000)
    const manyBeganMs = performance.now()
    const made = await add(50)
    const manyTookMs = performance.now() - manyBeganMs
    expect(manyTookMs).toBeLessThan(2_000)
    expect(made).toBeGreaterThan(0)
    await add(50, 60_000)
    expect(await leaves()).toEqual(range(present, present + 50))
  })
})

describe('a process that starts', () => {
  const Placed = event('order.placed', {
    version: 1,
    key: (it) => it.id,
    payload: z.object({ id: z.string() }),
  })
  const transport = () =>
    inMemoryTransport({
      topics: {
        'outbox.event.order': 1,
        'outbox.event.orchestrator.reply': 1,
        'outbox.event.orchestrator.saga': 1,
      },
    })
  const drop = async (): Promise<void> => {
    for (const leaf of [present, present + 3, present + 26])
      await database.rows(`drop table backstitch.inbox_${leaf}`)
  }

  /** What a start cannot do in its time, on a busy machine, the next one does. */
  const expectLeavesAfterStart = (create: () => ProcessPart): Promise<void> =>
    expect
      .poll(
        async () => {
          const part = create()
          await part.start()
          await part.stop()
          return leaves()
        },
        { timeout: 30_000 },
      )
      .toEqual(range(present, present + 26))

  test('makes the leaves ahead: a consumer', async () => {
    await drop()
    await expectLeavesAfterStart(() =>
      createConsumer({
        database: database.pool(),
        transport: transport(),
        group: 'leaves',
        handlers: [on(Placed, async () => undefined)],
      }),
    )
  })

  test('makes the leaves ahead: an orchestrator', async () => {
    await migrate({ database: database.pool(), parts: ['saga', 'timer'] })
    await drop()
    await expectLeavesAfterStart(() =>
      createOrchestrator({ database: database.pool(), transport: transport(), sagas: [placeOrder] }),
    )
  })

  test('starts all the same where it may not make them, and says so', async () => {
    await drop()
    await database.rows('create role inbox_reader login')
    onTestFinished(async () => {
      await database.rows('drop owned by inbox_reader; drop role inbox_reader')
    })
    await database.rows(
      'grant usage on schema backstitch to inbox_reader; grant all on all tables in schema backstitch to inbox_reader',
    )
    const lines: string[] = []
    const note = (_: object, line: string): void => void lines.push(line)
    const logger = { debug: note, info: note, warn: note, error: note, child: () => logger }
    const pool = database.newPool({ options: '-c role=inbox_reader' })
    const part = createConsumer({
      database: pool,
      transport: transport(),
      group: 'leaves',
      logger,
      handlers: [on(Placed, async () => undefined)],
    })
    onTestFinished(() => part.stop())
    await part.start()
    expect(part.health()).toMatchObject({ state: 'running' })
    expect(lines).toContain(
      'the leaves of the inbox could not be made ahead; rows go into its default partition',
    )
  })
})
