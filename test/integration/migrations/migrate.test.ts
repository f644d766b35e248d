import { randomUUID } from 'node:crypto'
import knexOf from 'knex'
import { Client, Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allParts,
  backstitchMigrationSource,
  down as downInKnex,
  migrationLockKey,
  migrationsFor,
  sqlFor,
  up as upInKnex,
} from '../../../migrations/index.ts'
import { assertSchema } from '../../../src/postgres/assert-schema.ts'
import { migrate } from '../../../src/postgres/migrate.ts'
import { createDatabase, uniqueName } from '../../support/services.ts'
import { describeSchema } from './describe-schema.ts'

const everything = allParts
/** For machines under load. */
const patience = { timeout: 20_000 }
const allNames = migrationsFor(allParts).map(({ name }) => name)

let url: string
let client: Client
beforeAll(async () => {
  url = (await createDatabase()).url
  client = new Client({ connectionString: url })
  await client.connect()
})
afterAll(() => client.end())

const tablesOf = async (schema: string): Promise<string[]> => {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = to_regnamespace($1) order by 1`,
    [`"${schema}"`],
  )
  return rows.map(({ name }) => name)
}

describe('the runner', () => {
  test('makes the tables, does nothing the second time, and takes them away again', async () => {
    const schema = uniqueName('round')
    expect(await migrate({ database: url, parts: everything, schema })).toEqual(allNames)
    const first = await describeSchema(client, schema)
    expect(await migrate({ database: url, parts: everything, schema })).toEqual([])
    await assertSchema({ pool: client, parts: everything, schema })

    expect(await migrate({ database: url, parts: everything, schema, direction: 'down' })).toEqual(
      allNames.toReversed(),
    )
    expect(await tablesOf(schema)).toEqual([])
    const { rows } = await client.query(
      `select proname from pg_proc where pronamespace = to_regnamespace($1)`,
      [schema],
    )
    expect(rows).toEqual([])
    expect(await migrate({ database: url, parts: everything, schema, direction: 'down' })).toEqual([])

    expect(await migrate({ database: url, parts: everything, schema })).toEqual(allNames)
    expect(await describeSchema(client, schema)).toBe(first)
  })

  test('makes the schema of the golden description', async () => {
    const schema = uniqueName('golden')
    await migrate({ database: url, parts: everything, schema })
    await expect(await describeSchema(client, schema)).toMatchFileSnapshot('schema.golden.txt')
  })

  test('adds a part later and leaves the others alone', async () => {
    const schema = uniqueName('parts')
    expect(await migrate({ database: url, parts: ['outbox'], schema })).toEqual(['0001-outbox', '0006-audit'])
    expect(await tablesOf(schema)).not.toContain('inbox')
    expect(await migrate({ database: url, parts: ['inbox', 'outbox'], schema })).toEqual(['0002-inbox'])
    expect(await migrate({ database: url, parts: ['inbox'], schema, direction: 'down' })).toEqual([
      '0002-inbox',
    ])
    expect(await tablesOf(schema)).toContain('outbox')
    expect(await migrate({ database: url, parts: ['outbox'], schema, direction: 'down' })).toEqual([
      '0001-outbox',
    ])
    // what was done stays known until the trail itself is named
    expect(await tablesOf(schema)).toEqual(['audit_entry', 'backstitch_migration'])
    expect(await migrate({ database: url, parts: ['audit'], schema, direction: 'down' })).toEqual([
      '0006-audit',
    ])
    expect(await tablesOf(schema)).toEqual([])
  })

  test.each(['Mixed Case', 'täbelle', 'with"quote', "with'quote", '', 'x'.repeat(64)])(
    'takes a schema of another name, or refuses it: %j',
    async (schema) => {
      if (/^$|["']|x{64}/.test(schema)) {
        await expect(migrate({ database: url, parts: ['outbox'], schema })).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
        })
        return
      }
      expect(await migrate({ database: url, parts: everything, schema })).toEqual(allNames)
      await client.query(`select "${schema}".inbox_add_leaves(40)`)
      expect((await tablesOf(schema)).filter((name) => /^inbox_\d+$/.test(name))).toHaveLength(41)
      expect(await migrate({ database: url, parts: everything, schema, direction: 'down' })).toEqual(
        allNames.toReversed(),
      )
    },
  )

  test('lets any number of processes migrate at once', async () => {
    const schema = uniqueName('race')
    const pool = new Pool({ connectionString: url, max: 8 })
    const runs = await Promise.all(
      Array.from({ length: 8 }, () => migrate({ database: pool, parts: everything, schema })),
    )
    expect(runs.flat().toSorted()).toEqual(allNames)
    const undone = await Promise.all(
      Array.from({ length: 8 }, () =>
        migrate({ database: pool, parts: everything, schema, direction: 'down' }),
      ),
    )
    expect(undone.flat().toSorted()).toEqual(allNames)
    await pool.end()
  })

  test('waits for the advisory lock', async () => {
    const schema = uniqueName('locked')
    const holder = new Client({ connectionString: url })
    await holder.connect()
    await holder.query(`select pg_advisory_lock(${migrationLockKey})`)
    const run = migrate({ database: url, parts: ['outbox'], schema })
    await expect
      .poll(async () => {
        const { rows } = await client.query(
          `select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
        )
        return rows.length
      }, patience)
      .toBe(1)
    expect(await tablesOf(schema)).toEqual([])
    await holder.end()
    expect(await run).toEqual(['0001-outbox', '0006-audit'])
  })

  test('rolls back a migration that fails and keeps those before it', async () => {
    const schema = uniqueName('broken')
    await migrate({ database: url, parts: ['outbox'], schema })
    await client.query(`create table "${schema}".dead_letter (in_the_way int)`)
    const failure = await migrate({ database: url, parts: everything, schema }).catch(
      (thrown: unknown) => thrown,
    )
    expect(failure).toMatchObject({
      code: 'MIGRATION_FAILED',
      details: { migration: '0002-inbox', schema },
      cause: { code: '42P07' },
    })
    expect(await tablesOf(schema)).not.toContain('inbox')
    await client.query(`drop table "${schema}".dead_letter`)
    expect(await migrate({ database: url, parts: everything, schema })).toEqual(
      allNames.filter((name) => name !== '0001-outbox' && name !== '0006-audit'),
    )
  })

  test('names a server that is not there, and one that refuses', async () => {
    await expect(
      migrate({ database: 'postgres://127.0.0.1:1/nowhere', parts: ['outbox'] }),
    ).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE', retriable: true })
    const other = new URL(url)
    other.pathname = '/there_is_no_such_database'
    await expect(migrate({ database: other.href, parts: ['outbox'] })).rejects.toMatchObject({
      code: 'DATABASE_REFUSED',
    })
  })
})

describe('the check at the start of a process', () => {
  test('tells missing, outdated and newer tables apart', async () => {
    const schema = uniqueName('check')
    const check = assertSchema({ pool: client, parts: ['outbox'], schema })
    await expect(check).rejects.toMatchObject({ code: 'SCHEMA_MISSING', details: { parts: ['outbox'] } })

    await migrate({ database: url, parts: ['outbox'], schema })
    await assertSchema({ pool: client, parts: ['outbox'], schema })
    await expect(assertSchema({ pool: client, parts: ['outbox', 'inbox'], schema })).rejects.toMatchObject({
      code: 'SCHEMA_MISSING',
      details: { parts: ['inbox'] },
    })

    // As an older version of the package left it: the part is there, a migration of it is not.
    await client.query(
      `update "${schema}".backstitch_migration set name = '0000-outbox' where part = 'outbox'`,
    )
    await expect(assertSchema({ pool: client, parts: ['outbox'], schema })).rejects.toMatchObject({
      code: 'SCHEMA_NEWER',
    })
    await client.query(
      `update "${schema}".backstitch_migration set name = '0002-inbox' where part = 'outbox'`,
    )
    await expect(assertSchema({ pool: client, parts: ['outbox'], schema })).rejects.toMatchObject({
      code: 'SCHEMA_OUTDATED',
      details: { migrations: ['0001-outbox'] },
    })
  })

  test('minds only the parts that the process uses', async () => {
    const schema = uniqueName('later')
    await migrate({ database: url, parts: ['outbox'], schema })
    await client.query(
      `insert into "${schema}".backstitch_migration (name, part) values ('0099-ledger', 'ledger'), ('0098-inbox', 'inbox')`,
    )
    await assertSchema({ pool: client, parts: ['outbox'], schema })
    await expect(assertSchema({ pool: client, parts: ['inbox'], schema })).rejects.toMatchObject({
      code: 'SCHEMA_NEWER',
    })
    await expect(
      migrate({ database: url, parts: ['inbox'], schema, direction: 'down' }),
    ).rejects.toMatchObject({ code: 'SCHEMA_NEWER' })
  })
})

describe('other ways to the same tables', () => {
  const withKnex = async (work: (knex: knexOf.Knex) => Promise<void>): Promise<void> => {
    const knex = knexOf({ client: 'pg', connection: url })
    try {
      await work(knex)
    } finally {
      await knex.destroy()
    }
  }

  test('a knex migration of the user’s own', async () => {
    const schema = uniqueName('knex')
    const table = uniqueName('orders')
    await withKnex(async (knex) => {
      const userMigration = {
        up: async (tx: knexOf.Knex) => {
          await tx.schema.createTable(table, (it) => it.uuid('id').primary())
          await upInKnex(tx, { parts: ['outbox', 'inbox'], schema })
        },
        down: async (tx: knexOf.Knex) => {
          await downInKnex(tx, { parts: ['outbox', 'inbox', 'audit'], schema })
          await tx.schema.dropTable(table)
        },
      }
      const migrationSource = {
        getMigrations: () => Promise.resolve(['20260801_backstitch']),
        getMigrationName: (name: string) => name,
        getMigration: () => Promise.resolve(userMigration),
      }
      const config = { migrationSource, tableName: uniqueName('knex_migrations') }
      await knex.migrate.latest(config)
      expect(await migrate({ database: url, parts: ['outbox', 'inbox'], schema })).toEqual([])
      await assertSchema({ pool: client, parts: ['outbox', 'inbox'], schema })

      const other = uniqueName('runner')
      await migrate({ database: url, parts: ['outbox', 'inbox'], schema: other })
      expect(await describeSchema(client, schema)).toBe(await describeSchema(client, other))

      await knex.migrate.rollback(config)
      expect(await tablesOf(schema)).toEqual([])
    })
  })

  test('a knex migration that fails leaves nothing of ours', async () => {
    const schema = uniqueName('undone')
    await withKnex(async (knex) => {
      await expect(
        knex.transaction(async (tx) => {
          await upInKnex(tx, { parts: ['outbox'], schema })
          throw new Error('later in the same migration')
        }),
      ).rejects.toThrow('later in the same migration')
    })
    expect(await tablesOf(schema)).toEqual([])
  })

  test('a knex migration without a transaction', async () => {
    const schema = uniqueName('bare')
    await withKnex(async (knex) => {
      await upInKnex(knex, { parts: everything, schema })
      await assertSchema({ pool: client, parts: everything, schema })
      await downInKnex(knex, { parts: everything, schema })
      expect(await tablesOf(schema)).toEqual([])
    })
  })

  test('knex’s own migrator over our source', async () => {
    const schema = uniqueName('source')
    const config = {
      migrationSource: backstitchMigrationSource({ parts: ['outbox', 'timer'], schema }),
      tableName: uniqueName('knex_migrations'),
    }
    await withKnex(async (knex) => {
      const [, names] = (await knex.migrate.latest(config)) as [number, string[]]
      expect(names).toEqual(['backstitch-0001-outbox', 'backstitch-0005-timer', 'backstitch-0006-audit'])
      await assertSchema({ pool: client, parts: ['outbox', 'timer'], schema })
      await knex.migrate.rollback(config, true)
      expect(await tablesOf(schema)).toEqual([])
    })
  })

  test('the printed SQL', async () => {
    const schema = uniqueName('printed')
    await client.query(sqlFor({ parts: everything, schema }))
    expect(await migrate({ database: url, parts: everything, schema })).toEqual([])
    const again = await client.query(sqlFor({ parts: everything, schema })).catch((thrown: unknown) => thrown)
    expect(again).toMatchObject({ code: '42P07' })
    await client.query('rollback')
    await client.query(sqlFor({ parts: everything, schema, direction: 'down' }))
    expect(await tablesOf(schema)).toEqual([])
    expect(await migrate({ database: url, parts: everything, schema })).toEqual(allNames)
  })
})

describe('the tables', () => {
  test('take a plain INSERT of the columns of Debezium’s router', async () => {
    const schema = uniqueName('plain')
    await migrate({ database: url, parts: ['outbox'], schema })
    await client.query(
      `insert into "${schema}".outbox (aggregatetype, aggregateid, type, payload)
       values ('order', 'o-1', 'order.placed', jsonb_build_object('total', 12)::text)`,
    )
    // jsonb assigns to text as it is.
    await client.query(
      `insert into "${schema}".outbox (id, aggregatetype, aggregateid, type, payload)
       values ('${randomUUID()}', 'order', 'o-1', 'order.placed', '{"total": 12}'::jsonb)`,
    )
    const { rows } = await client.query<Record<string, unknown>>(
      `select seq, version, payload, substr(id::text, 15, 1) as id_version,
         abs(extract(epoch from created_at) - extract(epoch from clock_timestamp())) < 60 as is_utc_now,
         ('x' || replace(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000 - extract(epoch from clock_timestamp()) as age
       from "${schema}".outbox order by seq`,
    )
    expect(rows).toMatchObject([
      { seq: '1', version: 1, payload: '{"total": 12}', id_version: '7', is_utc_now: true },
      { seq: '2', version: 1, payload: '{"total": 12}', id_version: '4', is_utc_now: true },
    ])
    expect(Math.abs(Number(rows[0]?.['age']))).toBeLessThan(60)
  })

  test('refuse two payloads in one row, and the xid of another transaction', async () => {
    const schema = uniqueName('checks')
    await migrate({ database: url, parts: ['outbox'], schema })
    const insert = (columns: string, values: string): Promise<unknown> =>
      client.query(
        `insert into "${schema}".outbox (aggregatetype, aggregateid, type, ${columns}) values ('a', 'k', 't', ${values})`,
      )
    await expect(insert('payload, payload_binary', `'{}', '\\x00'`)).rejects.toMatchObject({ code: '23514' })
    await expect(insert('xid', `'3'`)).rejects.toMatchObject({ code: '23514' })
    await expect(insert('xid', 'null')).rejects.toMatchObject({ code: '23502' })
    await expect(insert('seq', '7')).rejects.toMatchObject({ code: '428C9' })
  })

  test('put a key into the same shard on every version of Postgres', async () => {
    const schema = uniqueName('shards')
    await migrate({ database: url, parts: ['outbox'], schema })
    const { rows } = await client.query<{ shard: number }>(
      `select "${schema}".outbox_shard(key, 16) as shard
       from unnest(array['', 'a', 'o-1', 'Größe', '漢字', '🙂']) with ordinality as t (key, n) order by n`,
    )
    expect(rows.map(({ shard }) => shard)).toEqual(
      ['', 'a', 'o-1', 'Größe', '漢字', '🙂'].map((key) => goldenShards[key]),
    )
  })
})

/** SHA-256 of the key in UTF-8, its first four bytes as an unsigned number, modulo 16 (computed outside of Postgres). */
const goldenShards: Record<string, number> = { '': 2, a: 2, 'o-1': 4, Größe: 0, 漢字: 1, '🙂': 5 }
