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
