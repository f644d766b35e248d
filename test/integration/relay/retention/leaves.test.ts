import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LeafWorld, leafWorld } from './leaf-world.ts'
import { insertRows, until } from '../relay-world.ts'

let world: LeafWorld
beforeEach(async () => {
  world = await leafWorld()
})
afterEach(() => world.close())

/** A row in the first leaf, and the sequence in the second. */
const oneLeft = async (): Promise<void> => {
  await world.insert('k', 'one')
  await world.moveTo(250_000)
  await world.insert('k', 'two')
}

describe('a leaf is emptied once all in it is published', () => {
  test('and the sequence has left it', async () => {
    const leaves = await world.leaves()
    await world.insert('k', 'one')
    await world.checkpoint()
    expect(await leaves.empty('outbox_0'), 'it is still written to').toBe(false)
    await world.moveTo(249_998)
    expect(await leaves.empty('outbox_0'), 'its last row is still to come').toBe(false)
    await world.moveTo(249_999)
    expect(await leaves.empty('outbox_0')).toBe(true)
    expect(await world.bodiesIn('outbox_0')).toEqual([])
    expect(await leaves.empty('outbox_1'), 'and no other').toBe(false)
  })

  test('under a saved checkpoint, and not before', async () => {
    const leaves = await world.leaves()
    await oneLeft()
    expect(await leaves.empty('outbox_0'), 'nothing was ever saved').toBe(false)
    await world.checkpoint({ previous: '1:1:' })
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(true)
    expect(await world.bodiesIn('outbox')).toEqual(['two'])
  })

  test('of a large window that is under way, by its position', async () => {
    const leaves = await world.leaves()
    await world.insert('k', 'one', 'two')
    await world.moveTo(250_000)
    const current = await world.snapshot()
    await world.checkpoint({ previous: '1:1:', current, position: 1 })
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.checkpoint({ previous: '1:1:', current, position: 2 })
    expect(await leaves.empty('outbox_0')).toBe(true)
  })

  test('by the checkpoint of every shard (rule B17), and a shard without one counts as well', async () => {
    const leaves = await world.leaves()
    const before = await world.snapshot()
    await oneLeft()
    await world.pool.query('update backstitch.outbox_sharding set shard_count = 2')
    await world.checkpoint({ shard: 0 })
    await world.checkpoint({ shard: 1 })
    expect(await leaves.empty('outbox_0'), 'their number was changed by hand').toBe(false)
    await world.pool.query('update backstitch.outbox_sharding set settled_count = 2')
    await world.pool.query('truncate backstitch.outbox_checkpoint')
    await world.checkpoint({ shard: 1 })
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.checkpoint({ shard: 0, previous: before })
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.checkpoint({ shard: 0 })
    expect(await leaves.empty('outbox_0')).toBe(true)
  })

  test('by no checkpoint of another cluster, nor of a future that this one has lost', async () => {
    const leaves = await world.leaves()
    await oneLeft()
    await world.checkpoint({ systemIdentifier: '7' })
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.checkpoint({ previous: '9000000000:9000000000:' })
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.pool.query('delete from backstitch.outbox_sharding')
    await world.checkpoint()
    expect(await leaves.empty('outbox_0'), 'no shard is no proof').toBe(false)
  })
})

describe('a row that was committed just now is never dropped (rule A1)', () => {
  test('as it would be by a truncate that waits for its transaction', async () => {
    const writer = await world.open()
    await writer.client.query(insertRows, ['k', ['late']])
    await world.moveTo(250_000)
    const truncated = world.pool.query('truncate backstitch.outbox_0')
    await until('it waits', async () => {
      const { rows } = await world.pool.query(`select from pg_locks where not granted`)
      return rows.length > 0
    })
    await writer.commit()
    await truncated
    expect(await world.bodiesIn('outbox_0')).toEqual([])
  })

  test('whenever its transaction commits', async () => {
    const leaves = await world.leaves()
    for (let n = 0; n < 20; n++) {
      await world.moveTo(n + 1)
      const writer = await world.open()
      await writer.client.query(insertRows, ['k', [`late ${n}`]])
      await world.moveTo(250_000)
      await world.checkpoint()
      const emptied = leaves.empty('outbox_0')
      await new Promise((resolve) => setTimeout(resolve, n))
      await writer.commit()
      expect(await emptied).toBe(false)
      expect(await leaves.empty('outbox_0')).toBe(false)
      expect(await world.bodiesIn('outbox_0')).toHaveLength(n + 1)
    }
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(true)
  })

  test('nor one of a prepared transaction', async () => {
    const leaves = await world.leaves()
    const writer = await world.open()
    await writer.client.query(insertRows, ['k', ['prepared']])
    await writer.client.query(`prepare transaction '${world.url}'`)
    writer.client.release()
    await world.moveTo(250_000)
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.pool.query(`commit prepared '${world.url}'`)
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(true)
  })
})

describe('emptying waits for nobody and holds up nobody (rule B10)', () => {
  test('an open transaction in another leaf, and a held snapshot, change nothing', async () => {
    const leaves = await world.leaves()
    const before = await world.open()
    await before.client.query('select pg_current_xact_id()')
    const snapshot = await world.pool.connect()
    await snapshot.query('begin isolation level repeatable read')
    await snapshot.query('select 1')
    await oneLeft()
    const writer = await world.open()
    await writer.client.query(insertRows, ['k', ['open']])
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(true)
    await writer.commit()
    await before.rollback()
    await snapshot.query('rollback')
    snapshot.release()
    expect(await world.bodiesIn('outbox')).toEqual(['two', 'open'])
  })

  test('somebody who reads the table is left alone', async () => {
    const leaves = await world.leaves()
    await oneLeft()
    await world.checkpoint()
    const reader = await world.open()
    await reader.client.query('select from backstitch.outbox')
    expect(await leaves.empty('outbox_0')).toBe(false)
    expect((await reader.client.query('select from backstitch.outbox')).rowCount).toBe(2)
    await reader.rollback()
    expect(await leaves.empty('outbox_0')).toBe(true)
  })

  test('writers go on while leaves are made, emptied and removed: none waits long, none is killed', async () => {
    const leaves = await world.leaves()
    await oneLeft()
    const open = await world.open()
    await open.client.query(insertRows, ['k', ['open']])
    const over = new AbortController()
    const failures: unknown[] = []
    let written = 0
    const writers = Array.from({ length: 3 }, async () => {
      const client = await world.pool.connect()
      // longer than any wait of ours many times, shorter than the open transaction
      await client.query(`set lock_timeout = '700ms'`)
      while (!over.signal.aborted)
        await client
          .query(insertRows, ['k', ['w', 'w']])
          .then(() => written++)
          .catch((error: unknown) => failures.push(error))
      client.release()
    })
    let next = 1_000_000n
    for (let n = 0; n < 15; n++) {
      await world.checkpoint()
      await leaves.remove()
      if (await leaves.add(next, next + 250_000n)) next += 250_000n
      await leaves.empty('outbox_0')
    }
    await open.commit()
    await world.checkpoint()
    await until(
      'the empty leaf is removed',
      async () => (await leaves.remove())?.includes('outbox_0') ?? false,
    )
    over.abort()
    await Promise.all(writers)
    expect(failures).toEqual([])
    expect(written).toBeGreaterThan(10)
    expect(next).toBeGreaterThan(1_000_000n)
    expect((await world.bodiesIn('outbox')).length).toBe(2 * written + 2)
  })
})

describe('empty leaves are removed', () => {
  test('when nobody has written the outbox in an open transaction, and not those ahead', async () => {
    const leaves = await world.leaves()
    await world.moveTo(600_000)
    const writer = await world.open()
    await writer.client.query(insertRows, ['k', ['open']])
    expect(await leaves.remove()).toBeUndefined()
    await writer.commit()
    expect(await leaves.remove()).toEqual(['outbox_0', 'outbox_1'])
    expect(await world.names()).toEqual(['outbox_2', 'outbox_3', 'outbox_default'])
    expect(await leaves.remove()).toEqual([])
  })

  test('but none with a row, published or not', async () => {
    const leaves = await world.leaves()
    await oneLeft()
    await world.checkpoint()
    expect(await leaves.remove()).toEqual([])
  })
})

describe('rows that are kept', () => {
  const keepMs = 3_600_000

  test('stay until the newest of their leaf is old enough, by the database’s clock', async () => {
    const leaves = await world.leaves(keepMs)
    await oneLeft()
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(false)
    await world.pool.query(`alter table backstitch.outbox_0 drop constraint outbox_own_xid`)
    await world.pool.query(`update backstitch.outbox_0 set created_at = created_at - interval '61 minutes'`)
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(true)
  })

  test('are not kept for ever by a writer’s wrong clock', async () => {
    const leaves = await world.leaves(keepMs)
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, created_at) values ('order', 'k', 't', 'infinity'), ('order', 'k', 't', '2999-01-01')`,
    )
    await world.moveTo(250_000)
    await world.checkpoint()
    expect(await leaves.empty('outbox_0')).toBe(true)
  })

  test('leave the outbox for tables of their own once they are published, and are dropped in time', async () => {
    const leaves = await world.leaves(keepMs)
    await oneLeft()
    expect(await leaves.remove(), 'they are not published').toEqual([])
    await world.checkpoint()
    expect(await leaves.remove()).toEqual(['outbox_0'])
    expect(await world.names()).toEqual(['outbox_1', 'outbox_2', 'outbox_3', 'outbox_default'])
    expect(await world.bodiesIn('outbox_kept_0')).toEqual(['one'])
    expect((await leaves.look()).kept).toBe(1)
    expect(await leaves.dropKept()).toEqual([])
    const impatient = await world.leaves(0)
    expect(await impatient.dropKept()).toEqual(['outbox_kept_0'])
  })
})

describe('with very many tables of kept rows', () => {
  const tables = 60
  /** @param age of the row of table `n`, in seconds: SQL */
  const keep = (age: string) =>
    world.pool.query(
      `do $$ begin for n in 0..${tables - 1} loop
        execute format('create table backstitch.outbox_kept_%s (like backstitch.outbox including all)', n);
        execute format('insert into backstitch.outbox_kept_%s (seq, aggregatetype, aggregateid, type, payload, created_at)
          overriding system value values (%s, $i$order$i$, $i$k$i$, $i$t$i$, %L, (now() at time zone $i$UTC$i$) - %s * interval $i$1 s$i$)',
          n, n * 250000 + 7, n, ${age});
      end loop; end $$`,
    )
  /** The tables of kept rows that a statement has locked. */
  const lockedBy = async (statement: string): Promise<{ found: unknown[]; locked: number }> => {
    const open = await world.open()
    const { rows } = await open.client.query(statement)
    const { rows: locks } = await open.client.query<{ n: number }>(
      `select count(distinct relation)::integer as n from pg_locks l join pg_class c on c.oid = l.relation
       where l.pid = pg_backend_pid() and c.relkind = 'r' and c.relname like 'outbox_kept_%'`,
    )
    await open.rollback()
    return { found: rows, locked: locks[0]?.n ?? -1 }
  }
  const published = (after: number, upTo: number): string =>
    `select payload from backstitch.outbox_published_rows(${after}, ${upTo}, pg_current_snapshot(), null, null, null, null, 0, 100)`

  test('a replay reads those alone that can hold a row of its slice', async () => {
    await keep('60')
    expect(await lockedBy(published(2_500_000, 2_520_000))).toEqual({ found: [{ payload: '10' }], locked: 1 })
    expect(await lockedBy(published(2_500_007, 2_520_000))).toEqual({ found: [], locked: 1 })
    expect(await lockedBy(published(2_499_999, 2_750_007))).toEqual({
      found: [{ payload: '10' }, { payload: '11' }],
      locked: 2,
    })
    await world.pool.query('drop table backstitch.outbox_kept_11')
    // a table may be larger than others, and reach to the next one that there is
    await world.pool.query(
      `insert into backstitch.outbox_kept_10 (seq, aggregatetype, aggregateid, type, payload)
       overriding system value values (2900000, 'order', 'k', 't', '10, too')`,
    )
    expect(await lockedBy(published(2_880_000, 2_900_000))).toEqual({
      found: [{ payload: '10, too' }],
      locked: 1,
    })
  })

  test('the first row that there still is is found without a look at the others', async () => {
    await keep('60')
    expect(await lockedBy('select seq::integer from backstitch.outbox_kept_from()')).toEqual({
      found: [{ seq: 7 }],
      locked: 1,
    })
  })

  test('a call drops a few of them, and looks no further than the first one that is too young', async () => {
    await keep('case when n < 25 then 7200 else 60 end')
    const leaves = await world.leaves(3_600_000)
    expect(await leaves.dropKept()).toEqual(Array.from({ length: 20 }, (_, n) => `outbox_kept_${n}`))
    expect(await leaves.dropKept()).toEqual(Array.from({ length: 5 }, (_, n) => `outbox_kept_${n + 20}`))
    expect(await lockedBy('select backstitch.outbox_drop_kept(3600000)')).toMatchObject({ locked: 1 })
  })
})

describe('the sequence goes on at the next leaf', () => {
  const last = async (): Promise<number> =>
    (await world.pool.query<{ n: number }>('select last_value::integer as n from backstitch.outbox_seq_seq'))
      .rows[0]?.n ?? -1
  /** As after days without a relay: the sequence is behind all leaves, and the next one is far ahead. */
  const gapBefore = async (from: number): Promise<void> => {
    await world.moveTo(1_000_000)
    await world.pool.query(`select backstitch.outbox_add_leaf(${from}, ${from + 250_000})`)
  }

  test('by one relay after the other: of two at once the later one finds it there', async () => {
    const leaves = await world.leaves()
    await gapBefore(50_000_000)
    const first = await world.open()
    await first.client.query('select backstitch.outbox_skip_to_leaf()')
    expect(await leaves.skipToLeaf(), 'it waits for the other').toBe(false)
    await world.insert('k', 'written there')
    await first.commit()
    expect(await leaves.skipToLeaf()).toBe(true)
    expect(await last()).toBe(50_000_000)
    expect(await world.bodiesIn('outbox_200')).toEqual(['written there'])
  })

  test('with the last numbers before it drawn as writers draw them: it is never set back', async () => {
    const leaves = await world.leaves()
    await gapBefore(1_250_000)
    await world.moveTo(1_249_000)
    const drawing = Promise.all(
      Array.from({ length: 200 }, () =>
        world.pool.query<{ n: string }>(`select nextval('backstitch.outbox_seq_seq') as n`),
      ),
    )
    expect(await leaves.skipToLeaf()).toBe(true)
    const numbers = (await drawing).map(({ rows }) => rows[0]?.n)
    expect(new Set(numbers).size).toBe(200)
    expect(await last()).toBeGreaterThanOrEqual(1_249_999)
    expect(await last()).toBeLessThan(1_250_200)
  })
})

test('the functions are for those alone who were given them', async () => {
  await world.pool.query(`create role "${world.url}"`)
  const client = await world.pool.connect()
  await client.query(`grant usage on schema backstitch to "${world.url}"; set role "${world.url}"`)
  for (const call of ['empty_leaf($$outbox_0$$, 0)', 'add_leaf(0, 1)', 'remove_leaves(0)', 'skip_to_leaf()'])
    await expect(client.query(`select backstitch.outbox_${call}`)).rejects.toMatchObject({ code: '42501' })
  await client.query('reset role')
  await client.query(`drop owned by "${world.url}"; drop role "${world.url}"`)
  client.release()
})
