import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PgRelayClient } from '../../../src/postgres/relay/pg-relay-client.ts'
import { type RelayStatements, relayStatements } from '../../../src/postgres/relay/pg-relay-statements.ts'
import { onlyShard } from '../../../src/relay/ownership/shard.ts'
import { createOutboxOperator } from '../../../src/runtime/outbox-operator.ts'
import { type RelayWorld, relayWorld, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const act = { actor: 'ann', reason: 'a test' }

/** Rows of the quarantine from one number to another, as a relay would have parked them. */
const park = (
  from: number,
  to: number,
  columns: { topic: string; key: string; code: string },
): Promise<unknown> =>
  world.pool.query(
    `insert into backstitch.outbox_quarantine (seq, shard, topic, id, aggregatetype, aggregateid, type, version, payload, created_at, reason_code, reason)
     select n, 0, ${columns.topic}, gen_random_uuid(), 'x', ${columns.key}, 't', 1, n::text, now(), ${columns.code}, 'r'
     from generate_series($1::bigint, $2::bigint) n, setval('backstitch.outbox_seq_seq', $2::bigint)`,
    [from, to],
  )

describe('a quarantine of very many rows', () => {
  const many = 60_000
  const statements = relayStatements(
    'backstitch',
    'backstitch.outbox_seq_seq',
    { rows: 100, bytes: 8_000_000 },
    onlyShard,
  )
  let client: PgRelayClient
  beforeEach(async () => {
    // planned while the table is empty, as those of a relay that has been up for long
    client = await PgRelayClient.connect({ connectionString: world.url }, 'scale', 30_000)
    for (const [name, values] of looks) await client.run(statements[name], values)
    // one topic that does not exist, and two keys with very many rows behind their refused ones
    await park(1, many, {
      topic: `'outbox.event.late'`,
      key: `'k-' || n % 1000`,
      code: `'OUTBOX_TOPIC_UNKNOWN'`,
    })
    await park(many + 1, 2 * many, {
      topic: `'outbox.event.order'`,
      key: `'key-' || n % 2`,
      code: `case when n <= ${many + 2} then 'OUTBOX_RECORD_REFUSED' else 'OUTBOX_KEY_PARKED' end`,
    })
  })
  afterEach(() => client.close())

  /** What an owner asks of the quarantine, with the pages of tables and indexes that it may look at for it. */
  const looks: readonly (readonly [keyof RelayStatements, readonly string[], pagesMax: number])[] = [
    ['readParkedKeys', ['0', '\\x', '100'], 50],
    ['readParkedTopics', ['0'], 50],
    ['readHeldPartitions', ['0'], 50],
    ['hasHeldRows', ['outbox.event.late', '0'], 50],
    // twice what the untouched rows may cost, and more: those to be skipped have an old version and a new one, on pages of their own
    ['countQuarantine', ['0', '-1', '1000'], 500],
    ['readIntents', ['0', '100', '-1'], 1_500],
    ['readRowsOfKey', ['outbox.event.order', 'key-1', '-1'], 1_000],
    ['readRowsOfTopic', ['outbox.event.late', '0'], 1_000],
    ['readRowsOfPartition', ['outbox.event.late', '0', '0'], 50],
  ]
  const pagesOf = async (name: keyof RelayStatements, values: readonly string[]): Promise<number> => {
    const list = values.map((value) => `'${value}'`).join(', ')
    const plan = await client.run({
      name: `explain ${name}`,
      text: `explain (analyze, buffers, costs off, timing off, summary off) execute "${name}"(${list})`,
    })
    const lines = plan.map(([line]) => line ?? '').join('\n')
    const [, hit = 0, read = 0] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(lines) ?? []
    return Number(hit) + Number(read)
  }

  test('costs its owner a look for each key and each topic, and a page for each page', async () => {
    expect(await pagesOf('countQuarantine', ['0', '-1', '1000']), 'untouched rows').toBeLessThan(200)
    await createOutboxOperator({ database: world.pool }).skip({ topic: 'outbox.event.late' }, act, {
      limit: 20_000,
    })
    const found = await client.run(statements.readParkedKeys, ['0', '\\x', '100'])
    expect(new Set(found.map((row) => row.slice(0, 3).join(' ')))).toEqual(
      new Set(['outbox.event.order key-0 t', 'outbox.event.order key-1 t']),
    )
    expect(await client.run(statements.readParkedTopics, ['0'])).toEqual([['outbox.event.late']])
    expect(await client.run(statements.readParkedTopics, ['1'])).toEqual([])
    expect(await client.run(statements.countQuarantine, ['0', '-1', '1000'])).toEqual([['1000', '1000']])
    for (const [name, values, pagesMax] of looks)
      expect(await pagesOf(name, values), name).toBeLessThan(pagesMax)
  })
})

test('many keys are all found again, in pages', async () => {
  await park(1, 5_001, { topic: `'outbox.event.order'`, key: `'k-' || n`, code: `'OUTBOX_RECORD_REFUSED'` })
  const relay = await world.relay()
  await until('all are held', () => relay.status()[0]?.parkedKeys === 5_001)
  await world.insert('k-17', 'behind')
  await until('it waits behind its key', async () => {
    const { rowCount } = await world.pool.query(
      `select from backstitch.outbox_quarantine where payload = 'behind'`,
    )
    return rowCount === 1
  })
  expect(world.bodies()).toEqual([])
})

test('skipping very many rows takes them page after page, also beside wishes that cannot be carried out', async () => {
  await park(1, 9_000, {
    topic: `'outbox.event.late'`,
    key: `'k-' || n % 10`,
    code: `'OUTBOX_TOPIC_UNKNOWN'`,
  })
  const operator = createOutboxOperator({ database: world.pool })
  await world.relay()
  await operator.skip({ all: true }, act, { limit: 9_000 })
  await until('all have left', async () => (await operator.list({ limit: 1 })).length === 0)
  expect(world.transport.records('outbox.event.late')).toEqual([])
})

describe('letting out very many rows', () => {
  const parked = 12_000
  beforeEach(() =>
    park(1, parked, { topic: `'outbox.event.late'`, key: `'k-' || n % 100`, code: `'OUTBOX_TOPIC_UNKNOWN'` }),
  )
  const out = (): number => world.transport.records('outbox.event.late').length

  test('does not keep rows waiting that come meanwhile', async () => {
    await world.relay({ pageRows: 100 })
    await world.transport.admin().createTopics([{ topic: 'outbox.event.late', partitions: 2 }])
    await until('it has begun', () => out() > 0)
    await world.insert('live', 'first')
    await until('the live row is out', () => world.bodies().length === 1)
    expect(out()).toBeLessThan(parked)
    await expect.poll(out, { timeout: 50_000 }).toBe(parked)
    for (const records of Map.groupBy(world.transport.records('outbox.event.late'), ({ key }) =>
      String(key),
    ).values()) {
      const numbers = records.map(({ value }) => Number(value))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  })

  test('does not keep a backlog waiting', async () => {
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) select 'order', 'k-' || n % 10, 't', n::text from generate_series(1, 3000) n`,
    )
    await world.transport.admin().createTopics([{ topic: 'outbox.event.late', partitions: 2 }])
    await world.relay({ pageRows: 100 })
    await expect.poll(() => world.bodies().length, { timeout: 50_000 }).toBe(3_000)
    expect(out()).toBeLessThan(parked)
    await expect.poll(out, { timeout: 50_000 }).toBe(parked)
  })
})

test('each shard lets its own rows out', async () => {
  await world.pool.query('update backstitch.outbox_sharding set shard_count = 2, settled_count = 2')
  await park(1, 400, { topic: `'outbox.event.late'`, key: `'k-' || n % 40`, code: `'OUTBOX_TOPIC_UNKNOWN'` })
  await world.pool.query(
    'update backstitch.outbox_quarantine set shard = backstitch.outbox_shard(aggregateid, 2)',
  )
  await world.transport.admin().createTopics([{ topic: 'outbox.event.late', partitions: 2 }])
  await world.relay()
  const left = async () => (await world.pool.query('select from backstitch.outbox_quarantine')).rowCount
  await until('all are out', async () => (await left()) === 0)
  expect(world.transport.records('outbox.event.late')).toHaveLength(400)
})

describe('a full quarantine', () => {
  const insertLate = (from: number, to: number): Promise<unknown> =>
    world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
       select 'late', 'k-' || n % 5, 't', n::text from generate_series($1::integer, $2::integer) n`,
      [from, to],
    )
  const rowsParked = async (): Promise<number> =>
    Number((await world.pool.query('select count(*) as n from backstitch.outbox_quarantine')).rows[0]?.['n'])

  test('holds its shard, says so, and goes on by itself when the topic can be written to', async () => {
    const relay = await world.relay({ quarantineRowsMax: 1_000, pageRows: 100 })
    await insertLate(1, 3_000)
    await until('it fails', () => relay.health().state === 'failing')
    expect(relay.health().reason).toMatch(/OUTBOX_QUARANTINE_FULL.*1000 rows/)
    expect(world.lines).toContain('the quarantine is half full: when it is full the outbox waits')
    expect(world.lines).toContain('the quarantine is full: the outbox waits')
    // the pages that were under way are all that is over
    expect(await rowsParked()).toBeLessThanOrEqual(1_300)
    await world.insert('good', 'waits too')
    const { rows } = await world.pool.query<{ n: string }>(
      'select max(number) as n from backstitch.outbox_checkpoint',
    )
    await until('the lease is renewed', async () => {
      const now = await world.pool.query<{ n: string }>(
        'select max(number) as n from backstitch.outbox_checkpoint',
      )
      return Number(now.rows[0]?.n) > Number(rows[0]?.n) + 1
    })
    expect(await rowsParked()).toBeLessThanOrEqual(1_300)
    expect(world.bodies()).toEqual([])
    await world.transport.admin().createTopics([{ topic: 'outbox.event.late', partitions: 2 }])
    await until('all are out', () => world.transport.records('outbox.event.late').length === 3_000)
    await until('others flow', () => world.bodies().includes('waits too'))
    await until('it is well', () => relay.health().state === 'running')
    for (const records of Map.groupBy(world.transport.records('outbox.event.late'), ({ key }) =>
      String(key),
    ).values()) {
      const numbers = records.map(({ value }) => Number(value))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
    expect(world.lines).toContain('the quarantine has room again: the outbox goes on')
  })

  test('is found full by the next owner, and goes on when rows are skipped', async () => {
    const first = await world.relay({ quarantineRowsMax: 1_000, pageRows: 100 })
    await insertLate(1, 3_000)
    await until('it fails', () => first.health().state === 'failing')
    await first.stop()
    const relay = await world.relay({ quarantineRowsMax: 1_000, pageRows: 100 })
    await until('it fails again', () => relay.health().state === 'failing')
    const operator = createOutboxOperator({ database: world.pool })
    await until('all have been skipped', async () => {
      await operator.skip({ topic: 'outbox.event.late' }, act).catch(() => undefined)
      return (await rowsParked()) === 0
    })
    await world.insert('good', 'flows')
    await until('others flow', () => world.bodies().includes('flows'))
    expect(relay.health()).toEqual({ state: 'running' })
  })
})
