import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { insertRows, type RelayWorld, relayWorld, topic, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, n) => String(from + n))

describe('a backlog', () => {
  test('is published in pages, each row once, each key in order', async () => {
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
       select 'order', 'k-' || g % 17, 't', g::text from generate_series(1, 5000) g`,
    )
    const relay = await world.relay({ pageRows: 300 })
    await until('all is published', () => world.bodies().length >= 5000)
    expect(world.bodies().toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(1, 5000))
    for (const records of Map.groupBy(world.transport.records(topic), ({ key }) => String(key)).values()) {
      const values = records.map(({ value }) => Number(value))
      expect(values).toEqual(values.toSorted((a, b) => a - b))
    }
    expect(relay.status()[0]?.published).toBe(5000)
  })

  test('goes on where it was when the relay is stopped in the middle, and repeats nothing', async () => {
    await world.insert('a', ...numbers(1, 3000))
    let reads = 0
    const read = Promise.withResolvers<void>()
    const first = await world.relay({
      pageRows: 100,
      testSignals: {
        reach: (point) => void (point === 'relay.read.after' && ++reads === 8 && read.resolve()),
      },
    })
    await read.promise
    await first.stop()
    const done = world.bodies().length
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(3000)
    const { rows } = await world.pool.query<{ current: string; position: string }>(
      'select current, position from backstitch.outbox_checkpoint order by number desc limit 1',
    )
    expect(rows[0]?.position).toBe(String(done))
    await world.insert('b', 'new')
    await world.relay({ pageRows: 100 })
    await until('all is published', () => world.bodies().length >= 3001)
    expect(world.bodies()).toEqual([...numbers(1, 3000), 'new'])
  })

  test('of a long transaction is read from its own rows, not by a walk over all that came since (rule B18)', async () => {
    await world.relay({ pageRows: 50 })
    const long = await world.open()
    await long.client.query(insertRows, ['long', numbers(1, 5)])
    await world.insert('short', ...numbers(1001, 1200))
    await until('the short ones are published', () => world.bodies().length === 200)
    await long.client.query(insertRows, ['long', numbers(6, 300)])
    await world.insert('short', ...numbers(1201, 1210))
    await until('the short ones are published', () => world.bodies().length === 210)
    await long.commit()
    await until('the long one is published', () => world.bodies().length === 510)
    const longs = world.transport.records(topic).filter(({ key }) => String(key) === 'long')
    expect(longs.map(({ value }) => String(value))).toEqual(numbers(1, 300))
    await world.insert('short', 'after')
    await until('what follows is published', () => world.bodies().length === 511)
  })

  test('of bodies too large for one page of memory is read in pages by bytes', async () => {
    const bodies = Array.from({ length: 40 }, (_, n) => `${n}:${'x'.repeat(10_000)}`)
    await world.insert('a', ...bodies)
    await world.relay({ pageBytes: 35_000 })
    await until('all is published', () => world.bodies().length >= 40)
    expect(world.bodies()).toEqual(bodies)
    await world.insert('a', ...bodies)
    await until('all is published again', () => world.bodies().length >= 80)
    expect(world.bodies().slice(40)).toEqual(bodies)
  })

  test('survives a lost connection in the middle: nothing is lost, and only unsaved rows come twice (rule C25)', async () => {
    await world.insert('a', ...numbers(1, 4000))
    let reads = 0
    await world.relay({
      pageRows: 100,
      testSignals: {
        reach: async (point) => {
          if (point !== 'relay.read.after' || ++reads % 15 !== 0) return
          await world.pool.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'backstitch relay' and datname = current_database()`,
          )
        },
      },
    })
    await until('all is published', () => new Set(world.bodies()).size === 4000)
    const bodies = world.bodies()
    const firsts = [...new Set(bodies)]
    expect(firsts).toEqual(numbers(1, 4000))
    expect(bodies.length - 4000).toBeLessThan(200 * 10)
    expect(world.lines).toContain('waiting for the database: it does not answer')
  })
})

test('a table that is emptied with its sequence loses nothing afterwards', async () => {
  await world.relay({ pageRows: 20, leaseDurationMs: 300 })
  for (let n = 0; n < 3; n++) await world.insert('a', ...numbers(n * 50 + 1, n * 50 + 50))
  await until('all is published', () => world.bodies().length === 150)
  const knows = async (): Promise<boolean> =>
    Number(
      (
        await world.pool.query(
          'select walk_from from backstitch.outbox_checkpoint order by number desc limit 1',
        )
      ).rows[0].walk_from,
    ) === 150
  await until('a bound of the sequence is known', knows)
  await world.pool.query('truncate backstitch.outbox restart identity')
  await world.insert('a', ...numbers(1001, 1060))
  await until('all is published', () => world.bodies().length === 210)
  expect(world.bodies().slice(150)).toEqual(numbers(1001, 1060))
})

test('a sequence whose values are drawn in advance loses nothing', async () => {
  await world.pool.query('alter sequence backstitch.outbox_seq_seq cache 50')
  await world.relay({ pageRows: 20 })
  const early = await world.open()
  await early.client.query(insertRows, ['early', ['1']])
  await early.client.query('commit; begin')
  for (let n = 0; n < 5; n++) await world.insert('other', ...numbers(100, 130))
  await until('the others are published', () => world.bodies().length >= 156)
  // two saves later the relay would know a bound, were the sequence in order
  const saves = async (): Promise<number> =>
    Number((await world.pool.query('select max(number) as n from backstitch.outbox_checkpoint')).rows[0].n)
  const before = await saves()
  await until('it has saved twice', async () => (await saves()) >= before + 2)
  // drawn long ago by its session, so smaller than what was published meanwhile
  await early.client.query(insertRows, ['early', numbers(2, 30)])
  await early.commit()
  await until('the early one is published', () => world.bodies().length >= 185)
  const records = world.transport.records(topic).filter(({ key }) => String(key) === 'early')
  expect(records.map(({ value }) => String(value))).toEqual(numbers(1, 30))
})
