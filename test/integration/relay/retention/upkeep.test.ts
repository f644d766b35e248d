import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PublishResult } from '../../../../src/transport/publisher.ts'
import type { KafkaTransport } from '../../../../src/transport/transport.ts'
import { type LeafWorld, leafWorld } from './leaf-world.ts'
import { until } from '../relay-world.ts'

let world: LeafWorld
beforeEach(async () => {
  world = await leafWorld()
})
afterEach(() => world.close())

const hasLeaf = async (name: string): Promise<boolean> => (await world.names()).includes(name)

describe('a relay makes leaves', () => {
  test('in time, with their check and their indexes and the owner of the others, and writes go there', async () => {
    await world.pool.query(
      `create role "${world.url}" superuser; alter table backstitch.outbox owner to "${world.url}"`,
    )
    await world.relay()
    await until('there is a leaf more', () => hasLeaf('outbox_4'))
    await world.pool.query(`alter table backstitch.outbox owner to current_user; drop role "${world.url}"`)
    const { rows } = await world.pool.query(
      `select (select count(*)::int from pg_index where indrelid = 'backstitch.outbox_4'::regclass) as indexes,
        (select convalidated from pg_constraint where conname = 'outbox_own_xid' and conrelid = 'backstitch.outbox_4'::regclass) as valid,
        (select relowner from pg_class where oid = 'backstitch.outbox_4'::regclass) = (select relowner from pg_class where oid = 'backstitch.outbox_3'::regclass) as owner`,
    )
    expect(rows).toEqual([{ indexes: 2, valid: false, owner: true }])
    await world.moveTo(1_000_000)
    await world.insert('k', 'two')
    await until('it is delivered', () => world.bodies().includes('two'))
    expect(await world.bodiesIn('outbox_4')).toEqual(['two'])
    await until('there is one more again', () => hasLeaf('outbox_7'))
    await until('those that were left are removed', async () => !(await hasLeaf('outbox_3')))
  })

  test('also while Kafka does not answer: delivery and upkeep are apart', async () => {
    const failure = { kind: 'retriable', reason: 'nobody answered' } as const
    const unanswered = Promise.withResolvers<PublishResult>()
    const transport: KafkaTransport = {
      ...world.transport,
      publisher: () => Object.assign(world.transport.publisher(), { publish: () => unanswered.promise }),
    }
    await world.relay({ transport, stopDeadlineMs: 100 })
    await world.insert('k', 'one')
    await until('there is a leaf more', () => hasLeaf('outbox_4'))
    await world.moveTo(600_000)
    await until('and more', () => hasLeaf('outbox_6'))
    unanswered.resolve({ kind: 'failed', failure })
  })

  test('and a standby does as well', async () => {
    await world.relay({ stopDeadlineMs: 100 })
    await until('there is a leaf more', () => hasLeaf('outbox_4'))
    const { rows } = await world.pool.query<{ connections: number }>(
      `select count(*)::int as connections from pg_stat_activity where application_name = 'backstitch relay leaves' and datname = current_database()`,
    )
    expect(rows).toEqual([{ connections: 1 }])
    await world.relay()
    await until('the standby has a connection for it', async () => {
      const { rowCount } = await world.pool.query(
        `select from pg_stat_activity where application_name = 'backstitch relay leaves' and datname = current_database()`,
      )
      return rowCount === 2
    })
  })

  test('and neither waits for somebody who holds the table nor holds up delivery (rule B10)', async () => {
    const holder = await world.open()
    await holder.client.query('lock backstitch.outbox_default in access share mode')
    await world.relay()
    for (let n = 0; n < 20; n++) {
      const startedAtMs = performance.now()
      await world.insert('k', String(n))
      await until('it is delivered', () => world.bodies().includes(String(n)))
      expect(performance.now() - startedAtMs).toBeLessThan(1_000)
    }
    expect(await hasLeaf('outbox_4')).toBe(false)
    await holder.rollback()
    await until('there is a leaf more', () => hasLeaf('outbox_4'))
  })
})

describe('after no relay has run for long (rule B11)', () => {
  test('rows of the default partition are published, and it is left and emptied', async () => {
    await world.moveTo(4_200_000)
    await world.insert('k', 'one', 'two')
    expect(await world.bodiesIn('outbox_default')).toEqual(['one', 'two'])
    const relay = await world.relay()
    await until('they are delivered', () => world.bodies().length === 2)
    await until('it is told', () => relay.status()[0]?.leaves.isDefaultInUse === true)
    await until('it is emptied', async () => (await world.bodiesIn('outbox_default')).length === 0)
    await world.insert('k', 'three')
    expect(await world.bodiesIn('outbox_18'), 'the sequence goes on in a leaf').toEqual(['three'])
    await until('it is delivered', () => world.bodies().length === 3)
    await until('it is told', () => relay.status()[0]?.leaves.isDefaultInUse === false)
    expect(world.lines).toContain(
      'rows are in the default partition of the outbox: no leaf was there for them',
    )
    await until('old leaves are gone', async () => !(await hasLeaf('outbox_3')))
  })

  test('a large one is left without a look at all its rows, and without a lock that writers wait for', async () => {
    await world.moveTo(4_200_000)
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
       select 'order', 'k', 't', repeat(md5(g::text), 40) from generate_series(1, 16000) g`,
    )
    const relay = await world.relay()
    await until('they are delivered', () => world.bodies().length === 16_000)
    let written = 0
    await until(
      'the sequence has gone there',
      async () => {
        await world.insert('k', `new ${written++}`)
        const { rows } = await world.pool.query<{ last: string }>(
          'select last_value as last from backstitch.outbox_seq_seq',
        )
        return Number(rows[0]?.last) > 100_000_000
      },
      30_000,
    )
    await until(
      'the default partition is empty',
      // looked at through the table it would be locked most of the time
      () => relay.status()[0]?.leaves.isDefaultInUse === false,
      30_000,
    )
    expect(await world.bodiesIn('outbox_default')).toEqual([])
    expect((await world.pool.query(`select from pg_constraint where conname = 'outbox_gap'`)).rowCount).toBe(
      0,
    )
    await until('all is delivered', () => world.bodies().length === 16_000 + written)
    const news = world.bodies().filter((body) => body.startsWith('new'))
    expect(news).toEqual(Array.from({ length: written }, (_, n) => `new ${n}`))
  }, 60_000)
})

describe('the owner of an outbox', () => {
  test('saves how far it is also while nothing is written, so that an idle shard holds back no leaf (rule B17)', async () => {
    await world.relay({ leaseDurationMs: 600 })
    const { rows } = await world.pool.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
    await until('a checkpoint sees it ended', async () => {
      const { rowCount } = await world.pool.query(
        `select from (select previous from backstitch.outbox_checkpoint order by number desc limit 1) c
         where pg_visible_in_snapshot($1::xid8, c.previous)`,
        [rows[0]?.xid],
      )
      return rowCount === 1
    })
  })

  test('empties leaves while rows of them are in the quarantine, which keeps copies', async () => {
    const transport = world.transport
    const relay = await world.relay()
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('unknown', 'k', 't', 'parked')`,
    )
    await until('it is parked', () => relay.status()[0]?.parkedTopics.length === 1)
    await world.moveTo(250_000)
    await world.insert('k', 'two')
    await until('its leaf is gone', async () => !(await hasLeaf('outbox_0')))
    await transport.admin().createTopics([{ topic: 'outbox.event.unknown', partitions: 1 }])
    await until('it is delivered', () => transport.records('outbox.event.unknown').length === 1)
    expect(String(transport.records('outbox.event.unknown')[0]?.value)).toBe('parked')
  }, 30_000)

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
