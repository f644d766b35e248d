import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PgRelayClient } from '../../../src/postgres/relay/pg-relay-client.ts'
import { type RelayStatements, relayStatements } from '../../../src/postgres/relay/pg-relay-statements.ts'
import { onlyShard, type Shard } from '../../../src/relay/ownership/shard.ts'
import { type RelayWorld, relayWorld } from './relay-world.ts'

let world: RelayWorld
let client: PgRelayClient
const statementsOf = (shard: Shard, rows: number) =>
  relayStatements('backstitch', 'backstitch.outbox_seq_seq', { rows, bytes: 8_000_000 }, shard)
let statements = statementsOf(onlyShard, 1_000)

beforeAll(async () => {
  world = await relayWorld()
  client = await PgRelayClient.connect({ connectionString: world.url }, 'plans', 30_000)
})
afterAll(async () => {
  client.close()
  await world.close()
})

/** The plan of a statement as the relay’s session has it: prepared once, and generic. */
async function planOf(name: keyof RelayStatements, values: readonly string[]): Promise<string> {
  await client.run(statements[name], values)
  const list = values.map((value) => `'${value}'`).join(', ')
  const rows = await client.run({
    name: `explain ${name} ${list}`,
    text: `explain (analyze, costs off, timing off) execute "${name}"(${list})`,
  })
  return rows.map(([line]) => line).join('\n')
}

const snapshot = async (): Promise<string> =>
  (await world.pool.query<{ s: string }>('select pg_current_snapshot()::text as s')).rows[0]?.s ?? ''

/** Rows read of a table by a plan, whatever became of them. */
function rowsRead(plan: string): number {
  const read = [...plan.matchAll(/(?:Index|Seq) Scan[^\n]*rows=([\d.]+)[^\n]*loops=(\d+)/g)].map(
    ([, rows, loops]) => Number(rows) * Number(loops),
  )
  const removed = [...plan.matchAll(/Rows Removed by (?:Index Recheck|Filter): (\d+)/g)].map(([, rows]) =>
    Number(rows),
  )
  return [...read, ...removed].reduce((sum, rows) => sum + rows, 0)
}

/** The plans must not depend on what the statistics say: they are made once, often while the table is empty. */
async function expectPlans(): Promise<void> {
  const now = await snapshot()
  const xmax = now.split(':')[1] ?? ''
  const { rows } = await world.pool.query<{ last: string }>(
    'select last_value as last from backstitch.outbox_seq_seq',
  )
  const last = rows[0]?.last ?? ''

  const live = await planOf('readLive', [xmax, '{3,4}'])
  expect(live).toContain('_xid_seq_idx')
  expect(live).not.toMatch(/_pkey|Seq Scan on outbox_\d|Seq Scan on outbox_default|Bitmap/)
  expect(rowsRead(live)).toBeLessThan(20)

  const walk = await planOf('readWalkPage', ['1:1:', now, String(Number(last) - 10), last])
  expect(walk).toContain('_pkey')
  expect(walk).not.toMatch(/_xid_seq_idx|Seq Scan|Bitmap/)
  expect(rowsRead(walk)).toBeLessThan(40)

  const early = await planOf('readEarlyPage', ['{3,4}', '0', last])
  expect(early).toContain('_xid_seq_idx')
  expect(early).not.toMatch(/_pkey|Seq Scan|Bitmap/)

  const backlog = await planOf('measureBacklog', ['1:1:', now, '0', '0'])
  expect(backlog).toContain('_pkey')
  expect(backlog).not.toMatch(/-> +Sort|_xid_seq_idx|Seq Scan on outbox_(\d|default)/)
  expect(rowsRead(backlog)).toBeLessThan(1_100)

  const newest = await planOf('viewLease', ['0'])
  expect(newest).toMatch(/Index (Only )?Scan( Backward)? using outbox_checkpoint_0_pkey/)
}

const fill = (count: number) =>
  world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
     select 'order', 'k-' || g % 100, 't', repeat('x', 100) from generate_series(1, ${count}) g`,
  )

describe('the relay’s statements use the index that is meant for them', () => {
  test('on an empty table that was never analyzed, and as it grows under plans that were made then', async () => {
    await expectPlans()
    await fill(50_000)
    await expectPlans()
  })

  test('on a large table that was never analyzed', async () => {
    client.close()
    client = await PgRelayClient.connect({ connectionString: world.url }, 'plans', 30_000)
    await expectPlans()
  })

  test('on a large table with statistics, over several leaves', async () => {
    await world.pool.query(`select setval('backstitch.outbox_seq_seq', 990000)`)
    await fill(50_000)
    await world.pool.query('vacuum analyze backstitch.outbox')
    await expectPlans()
  })

  test('on an empty table with statistics of a full one', async () => {
    await world.pool.query('truncate backstitch.outbox')
    await expectPlans()
  })
})

test('a large open transaction is not read again at each look (rule B18)', async () => {
  const open = await world.open()
  await open.client.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type) select 'order', 'k', 't' from generate_series(1, 20000)`,
  )
  const { rows } = await open.client.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
  const xid = rows[0]?.xid ?? ''
  await world.insert('other', 'a')
  const underWay = await planOf('readLive', [(await snapshot()).split(':')[1] ?? '', `{${xid}}`])
  expect(rowsRead(underWay)).toBeLessThan(10)
  await open.commit()
  const ended = await planOf('readLive', [(await snapshot()).split(':')[1] ?? '', `{${xid}}`])
  expect(rowsRead(ended), 'and one that has ended costs a page').toBeLessThan(7_000)
  const page = await planOf('readEarlyPage', [`{${xid}}`, '0', '99999999'])
  expect(rowsRead(page)).toBeLessThan(7_000)
})

describe('one shard of four', () => {
  beforeAll(async () => {
    client.close()
    client = await PgRelayClient.connect({ connectionString: world.url }, 'plans', 30_000)
    statements = statementsOf({ number: 1, count: 4 }, 100)
    await world.pool.query('truncate backstitch.outbox')
  })

  test('has the same plans, on an empty table and a full one', async () => {
    await expectPlans()
    await fill(30_000)
    await expectPlans()
    await world.pool.query('vacuum analyze backstitch.outbox')
    await expectPlans()
  })

  test('with no rows of its own goes through a bounded part of the others’ backlog at a look, and through a step of it in a walk', async () => {
    await world.pool.query('truncate backstitch.outbox')
    // order-1 is in shard 1 of 2, and in 1 of 4; "a" is in shard 2 of 4
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type) select 'order', 'a', 't' from generate_series(1, 30000)`,
    )
    const look = await planOf('readLive', ['1', '{}'])
    // the parts are read once, and counted once
    expect(rowsRead(look)).toBeLessThan(5 * 101 * 4)
    const values = ['1', '{}']
    const rows = await client.run(statements.readLive, values)
    expect(rows[0]?.[6], 'the look says that it was cut').toBe('true')
    expect(rows).toHaveLength(2)
    const [last] =
      (await client.run({ name: 'last', text: 'select max(seq) from backstitch.outbox' }))[0] ?? []
    const walk = await planOf('readWalkPage', [
      '1:1:',
      await snapshot(),
      String(Number(last) - 1_000),
      String(Number(last) - 500),
    ])
    expect(rowsRead(walk)).toBeLessThan(1_100)
  })
})

test('a statement that outlasts its time says so, and the connection is told from one that is gone', async () => {
  const hasty = await PgRelayClient.connect({ connectionString: world.url }, 'hasty', 400)
  try {
    await expect(hasty.run({ name: 'slow', text: 'select pg_sleep(5)::text' })).rejects.toMatchObject({
      code: 'DATABASE_TOO_SLOW',
    })
  } finally {
    hasty.close()
  }
})
