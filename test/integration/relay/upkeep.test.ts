import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RelayWorld, relayWorld, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const leaves = async (): Promise<string[]> => {
  const { rows } = await world.pool.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'backstitch.outbox'::regclass order by 1`,
  )
  return rows.map(({ name }) => name.replace('backstitch.', ''))
}

describe('the owner of an outbox', () => {
  test('makes the next leaf in time, with its check and its indexes, and writes go there', async () => {
    await world.relay()
    await world.pool.query(`select setval('backstitch.outbox_seq_seq', 2600000)`)
    await world.insert('k', 'one')
    await until('there is a leaf more', async () => (await leaves()).includes('outbox_4'))
    const { rows } = await world.pool.query(
      `select (select count(*)::int from pg_index where indrelid = 'backstitch.outbox_4'::regclass) as indexes,
        (select convalidated from pg_constraint where conname = 'outbox_own_xid' and conrelid = 'backstitch.outbox_4'::regclass) as valid`,
    )
    expect(rows).toEqual([{ indexes: 2, valid: false }])
    await world.pool.query(`select setval('backstitch.outbox_seq_seq', 4000000)`)
    await world.insert('k', 'two')
    await until('it is delivered', () => world.bodies().includes('two'))
    expect((await world.pool.query('select payload from backstitch.outbox_4')).rows).toEqual([
      { payload: 'two' },
    ])
    await until('there is one more again', async () => (await leaves()).includes('outbox_5'))
  })

  test('makes it well behind what went into the default partition meanwhile', async () => {
    await world.pool.query(`select setval('backstitch.outbox_seq_seq', 4200000)`)
    await world.insert('k', 'one')
    await world.relay()
    await until('there is a leaf more', async () => (await leaves()).includes('outbox_5'))
    await until('it is delivered', () => world.bodies().includes('one'))
  })

  test('neither waits for somebody who holds the table nor holds up delivery (rule B10)', async () => {
    await world.relay()
    const holder = await world.open()
    await holder.client.query('lock backstitch.outbox_default in access share mode')
    await world.pool.query(`select setval('backstitch.outbox_seq_seq', 2600000)`)
    for (let n = 0; n < 20; n++) {
      const startedAtMs = performance.now()
      await world.insert('k', String(n))
      await until('it is delivered', () => world.bodies().includes(String(n)))
      expect(performance.now() - startedAtMs).toBeLessThan(1_000)
    }
    expect(await leaves()).not.toContain('outbox_4')
    expect(world.lines).toContain(
      'a leaf of the outbox could not be added: the table is locked, or the right to do it is missing',
    )
    await holder.rollback()
  })

  test('empties the checkpoints that are not in use (rule B16)', async () => {
    await world.relay()
    await world.insert('k', 'one')
    await until('it is delivered', () => world.bodies().length === 1)
    const numbers = async (slot: 0 | 1): Promise<number> =>
      Number(
        (await world.pool.query(`select count(*)::int as n from backstitch.outbox_checkpoint_${slot}`))
          .rows[0].n,
      )
    expect(await numbers(0)).toBeGreaterThan(0)
    // the newest of many, as after a day
    await world.pool.query(
      `insert into backstitch.outbox_checkpoint select 1, shard, 4096 + 70, epoch, owner, lease_until, previous, current, position, walk_from,
        low_water, sequence_high, system_identifier, timeline from backstitch.outbox_checkpoint order by number desc limit 1`,
    )
    await until('the old slot is empty', async () => (await numbers(0)) === 0)
    expect(await numbers(1)).toBeGreaterThan(0)
    await world.insert('k', 'two')
    await until('it is delivered', () => world.bodies().length === 2)
  })
})
