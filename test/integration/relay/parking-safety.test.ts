import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pgRelayDatabase } from '../../../src/postgres/relay/pg-relay-database.ts'
import { createOutboxOperator } from '../../../src/runtime/outbox-operator.ts'
import { type RelayWorld, relayWorld, topic, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const parked = () => createOutboxOperator({ database: world.pool }).list()

describe('rows that are parked', () => {
  test('are in the quarantine though the save that parked them failed, and others succeeded after it', async () => {
    await world.pool.query(`insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
      select 'missing', 'k-' || n, 'order.placed', n::text from generate_series(1, 20) as n`)
    // what a `create index` does: writers of the quarantine wait, everybody else goes on
    const holder = await world.open()
    await holder.client.query('lock table backstitch.outbox_quarantine in share mode')
    await world.relay({ leaseDurationMs: 600 })
    await world.insert('k', 'one')
    await until('the relay began again', () =>
      world.lines.includes('the relay of this database failed and begins again'),
    )
    await holder.commit()
    await until('the healthy row is on its topic', () => world.bodies().includes('one'))
    await until('all are parked', async () => (await parked()).length === 20)
  })

  test('hold a body that no broker takes, unread, and the rest of its key behind it', async () => {
    await world.pool.query(`insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
      values ('order', 'big', 'order.placed', repeat('x', 17000000))`)
    await world.relay()
    await world.insert('big', 'after')
    await world.insert('small', 'flows')
    await until('the other key flows', () => world.bodies().includes('flows'))
    await until('both are parked', async () => (await parked()).length === 2)
    expect(await parked()).toMatchObject([
      {
        key: 'big',
        code: 'OUTBOX_RECORD_REFUSED',
        reason: 'a body of 17000000 bytes is too large to be sent',
        bytes: 17_000_000,
      },
      { key: 'big', code: 'OUTBOX_KEY_PARKED' },
    ])
    await createOutboxOperator({ database: world.pool }).skip(
      { seqs: ['1'] },
      { actor: 'ann', reason: 'sent by file' },
    )
    await until('the key flows again', () => world.bodies().includes('after'))
    expect(world.transport.records(topic).some(({ value }) => (value?.length ?? 0) > 1_000)).toBe(false)
  })
})

test('an owner that was frozen before it truncates does not erase the lease of the one that came after', async () => {
  const settings = { leaseDurationMs: 600, pageRows: 100, pageBytes: 1_000_000 }
  const late = await pgRelayDatabase(world.pool).connect(settings)
  try {
    await late.acquire('late', 600)
    await world.pool.query(
      `insert into backstitch.outbox_checkpoint
       select 1, shard, 4096, epoch + 1, 'new', clock_timestamp() + interval '1 hour', previous, current, position, walk_from, low_water,
         sequence_high, system_identifier, timeline from backstitch.outbox_checkpoint`,
    )
    expect(await late.truncateCheckpoints(1)).toBe(false)
    expect(await late.view()).toMatchObject({ owner: 'new' })
    expect(await late.truncateCheckpoints(0)).toBe(true)
    expect((await world.pool.query('select number from backstitch.outbox_checkpoint')).rows).toEqual([
      { number: '4096' },
    ])
  } finally {
    late.close()
  }
})
