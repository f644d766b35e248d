import { Pool } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { shardOfKey } from '../../../src/postgres/queries/relay/in-shard.ts'
import { uniqueName } from '../../support/services.ts'
import { insertRows, type RelayWorld, relayWorld, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

describe('a transaction number of its own choice (rule A4)', () => {
  test.each([
    ['an old one', `'3'`],
    ['one of another cluster', `'9000000000'`],
    ['none', 'null'],
  ])('is refused: %s', async (_, xid) => {
    for (const table of ['outbox', 'outbox_0', 'outbox_default']) {
      // by the root, and by a leaf where a replication or a restore might write
      const seq = table === 'outbox_default' ? 90_000_000 : 5
      const insert = `insert into backstitch.${table} (xid, seq, aggregatetype, aggregateid, type) overriding system value values (${xid}, ${seq}, 'order', 'k', 't')`
      await expect(world.pool.query(insert)).rejects.toMatchObject({
        code: xid === 'null' ? '23502' : '23514',
      })
    }
  })

  test('nor can a row come with a seq of its own, unless it insists', async () => {
    const insert = `insert into backstitch.outbox (seq, aggregatetype, aggregateid, type) values (5, 'order', 'k', 't')`
    await expect(world.pool.query(insert)).rejects.toMatchObject({ code: '428C9' })
  })

  test('while rows of a dump keep theirs: the check is not valid for what is there, on leaves made later too', async () => {
    const { rows } = await world.pool.query<{ valid: boolean }>(
      `select convalidated as valid from pg_constraint where conname = 'outbox_own_xid'`,
    )
    expect(rows.length).toBe(5)
    expect(rows.every(({ valid }) => !valid)).toBe(true)
  })
})

test('row security that would hide rows is an error, for the snapshot moves on past what is hidden (rule A7)', async () => {
  const role = uniqueName('relay')
  await world.pool.query(`
    create role ${role} login password 'relay'; grant usage on schema backstitch to ${role};
    grant all on all tables in schema backstitch to ${role};
    grant all on all sequences in schema backstitch to ${role};
    alter table backstitch.outbox enable row level security;
    create policy mine on backstitch.outbox using (aggregateid = 'visible')`)
  const url = new URL(world.url)
  url.username = role
  url.password = 'relay'
  const pool = new Pool({ connectionString: url.href })
  await world.insert('hidden', 'one')
  const relay = await world.relay({ databases: [pool] })
  await until('it fails', () => relay.health().state === 'failing')
  expect(relay.health().reason).toContain('row-level security')
  expect(world.bodies()).toEqual([])
  await world.pool.query('alter table backstitch.outbox disable row level security')
  await until('it is delivered', () => world.bodies().length === 1)
  await relay.stop()
  await pool.end()
  await world.pool.query(`drop owned by ${role} cascade; drop role ${role}`)
})

test('a key stays in its shard through all versions of Postgres: the hash has golden vectors (rule A9)', async () => {
  const vectors: Readonly<Record<string, readonly [number, number, number]>> = {
    '': [0, 2, 66],
    a: [0, 2, 274],
    'order-1': [1, 1, 545],
    'kéy-😀': [1, 15, 815],
    漢字: [1, 1, 881],
    '01a20cc2-4336-771b-90d2-d9c3fc145ea7': [1, 13, 957],
    ['x'.repeat(300)]: [1, 9, 169],
  }
  const { rows } = await world.pool.query<{ key: string; shards: number[] }>(
    `select key, array[backstitch.outbox_shard(key, 2), backstitch.outbox_shard(key, 16), backstitch.outbox_shard(key, 1024)] as shards
     from unnest($1::text[]) key`,
    [Object.keys(vectors)],
  )
  expect(Object.fromEntries(rows.map(({ key, shards }) => [key, shards]))).toEqual(vectors)
  // what the relay's statements compute is the same
  const inline = await world.pool.query<{ key: string; shards: number[] }>(
    `select key, array[${[2, 16, 1024].map((count) => shardOfKey('key', count)).join(', ')}]::integer[] as shards from unnest($1::text[]) key`,
    [Object.keys(vectors)],
  )
  expect(Object.fromEntries(inline.rows.map(({ key, shards }) => [key, shards]))).toEqual(vectors)
  const sharding = await world.pool.query('select shard_count, hash from backstitch.outbox_sharding')
  expect(sharding.rows).toEqual([{ shard_count: 1, hash: 'sha256-32' }])
})

test('a hash that this version does not know is refused', async () => {
  await world.pool.query(`update backstitch.outbox_sharding set hash = 'md5'`)
  await expect(world.relay()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('a snapshot’s xmax is no bound for running transactions, and what one of them wrote early is not passed over', async () => {
  // it has drawn its seq, and yet a snapshot neither lists it nor ends behind it; other databases of the server may end it sooner
  let open = await world.open()
  await until('a snapshot does not know it', async () => {
    await open.rollback()
    open = await world.open()
    const { rows } = await open.client.query<{ xid: string }>(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'early', 't', 'early') returning xid::text`,
    )
    const elsewhere = await world.pool.query<{ xmax: string }>(
      'select pg_snapshot_xmax(pg_current_snapshot())::text as xmax',
    )
    return BigInt(rows[0]?.xid ?? 0) >= BigInt(elsewhere.rows[0]?.xmax ?? 0)
  })
  await world.relay({ pageRows: 5, leaseDurationMs: 300 })
  for (let n = 0; n < 10; n++) {
    await world.insert('other', ...Array.from({ length: 20 }, (_, row) => `${n}-${row}`))
    await until('the others are delivered', () => world.bodies().length === (n + 1) * 20)
  }
  await open.client.query(insertRows, ['early', Array.from({ length: 20 }, (_, row) => `late ${row}`)])
  await open.commit()
  await until('it is delivered', () => world.bodies().length === 221)
  expect(world.bodies().slice(200)).toEqual([
    'early',
    ...Array.from({ length: 20 }, (_, row) => `late ${row}`),
  ])
})
