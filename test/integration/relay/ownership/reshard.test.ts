import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keptColumns } from '../../../../src/postgres/queries/outbox/kept-columns.ts'
import { lockVerbs } from '../../../../src/postgres/queries/quarantine/request-intent.ts'
import { pgRelayDatabase } from '../../../../src/postgres/relay/pg-relay-database.ts'
import { createOutboxAdministrator, createOutboxOperator } from '../../../../src/index.ts'
import type { OutboxAdministrator } from '../../../../src/relay/ownership/outbox-administrator.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import { type RelayWorld, relayWorld, topic, until } from '../relay-world.ts'

let world: RelayWorld
let administrator: OutboxAdministrator
beforeEach(async () => {
  world = await relayWorld()
  administrator = createOutboxAdministrator({ database: world.pool, name: 'orders' })
})
afterEach(() => world.close())

const act = { actor: 'ann', reason: 'one relay is not enough' }

/** Writes rows of some keys, one a transaction, each counting up. */
class Writer {
  readonly written = new Map<string, number>()
  #stopping = false
  #work: Promise<void> | undefined

  start(): void {
    this.#stopping = false
    this.#work = this.#write()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#work
  }

  async #write(): Promise<void> {
    for (let n = 0; !this.#stopping; n++) {
      const key = `key-${n % 16}`
      const next = (this.written.get(key) ?? 0) + 1
      await world.insert(key, `${key}:${next}`)
      this.written.set(key, next)
    }
  }

  /** Each key’s first deliveries are all of its rows, in order. */
  async expectDelivered(): Promise<void> {
    const total = [...this.written.values()].reduce((sum, n) => sum + n, 0)
    await until('all is delivered', () => new Set(world.bodies()).size === total)
    for (const [key, last] of this.written) {
      const first = [...new Set(world.bodies().filter((body) => body.startsWith(`${key}:`)))]
      expect(first).toEqual(Array.from({ length: last }, (_, n) => `${key}:${n + 1}`))
    }
  }
}

describe('the number of shards', () => {
  test('is changed while services write: nothing is lost, nothing turned round, and hardly anything sent twice', async () => {
    const writer = new Writer()
    writer.start()
    let resent = 0
    for (const count of [4, 8, 3, 1]) {
      const [relay, other] = [await world.relay(), await world.relay()]
      const before = world.bodies().length
      await until('rows flow', () => world.bodies().length > before + 100)
      await Promise.all([relay.stop(), other.stop()])
      const report = await administrator.reshard(count, act)
      expect(report.to).toBe(count)
      resent += report.resent
    }
    await world.relay()
    const before = world.bodies().length
    await until('rows flow', () => world.bodies().length > before + 100)
    await writer.stop()
    await writer.expectDelivered()
    expect(world.bodies().length - new Set(world.bodies()).size).toBe(resent)
    const { rows } = await world.pool.query(
      `select actor_id, verb, target_id, reason, before, after ->> 'to' as after from backstitch.audit_entry order by seq`,
    )
    expect(rows).toMatchObject([
      { actor_id: 'ann', verb: 'outbox shards', target_id: 'orders', before: { shards: 1 }, after: '4' },
      { before: { shards: 4 }, after: '8' },
      { before: { shards: 8 }, after: '3' },
      { before: { shards: 3 }, after: '1' },
    ])
  })

  test('is not changed while a relay owns a shard, nor by a look', async () => {
    const relay = await world.relay()
    await expect(administrator.reshard(2, act)).rejects.toMatchObject({ code: 'OUTBOX_OWNED' })
    await relay.stop()
    expect(await administrator.reshard(2, act, { dryRun: true })).toMatchObject({ from: 1, to: 2, resent: 0 })
    const { rows } = await world.pool.query(
      'select shard_count, settled_count from backstitch.outbox_sharding',
    )
    expect(rows).toEqual([{ shard_count: 1, settled_count: 1 }])
    await expect(administrator.reshard(0, act)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(administrator.reshard(2, { ...act, reason: '' })).rejects.toMatchObject({
      code: 'REASON_MISSING',
    })
  })

  test('that was changed by hand is put right by the verb', async () => {
    await (await world.relay()).stop()
    await world.pool.query('update backstitch.outbox_sharding set shard_count = 5')
    await expect(world.relay()).rejects.toMatchObject({ code: 'OUTBOX_SHARDS_CHANGED' })
    await administrator.reshard(5, act)
    const relay = await world.relay()
    await until('it has all', () => relay.status()[0]?.shards.length === 5)
  })

  test('is refused where the shards are too far apart', async () => {
    await administrator.reshard(2, act)
    // "a" is in shard 0, "order-1" in shard 1
    const relay = await world.relay()
    await world.insert('order-1', ...Array.from({ length: 30 }, (_, n) => `order-1:${n}`))
    await world.insert('a', 'a:1')
    await until('all is delivered', () => world.bodies().length === 31)
    await relay.stop()
    // as if shard 0 had been owned by a relay that died long ago
    await world.pool.query(`update backstitch.outbox_checkpoint set previous = '1:1:' where shard = 0`)
    await expect(administrator.reshard(3, act, { resentMax: 10 })).rejects.toThrow(
      /OUTBOX_SHARDS_APART.*30 rows, 10 are allowed/,
    )
    expect(await administrator.reshard(3, act)).toMatchObject({ resent: 30 })
  })

  test('leaves each topic the number of partitions that it is written with (rule C21)', async () => {
    const keys = Array.from({ length: 16 }, (_, n) => `k-${n}`)
    const first = await world.relay()
    for (const key of keys) await world.insert(key, '1')
    await until('all is delivered', () => world.bodies().length === 16)
    await first.stop()
    world.transport.deleteTopic(topic)
    await world.transport.admin().createTopics([{ topic, partitions: 8 }])
    for (const count of [4, 2, 8]) {
      await administrator.reshard(count, act)
      const { rows } = await world.pool.query(
        'select shard, partition_count from backstitch.outbox_topic order by shard',
      )
      expect(rows).toEqual(Array.from({ length: count }, (_, shard) => ({ shard, partition_count: 4 })))
    }
    await world.relay()
    for (const key of keys) await world.insert(key, '2')
    await until('all is delivered', () => world.bodies().length === 16)
    const places = world.transport.records(topic).map(({ key, partition }) => [String(key), partition])
    expect(new Map(places as [string, number][])).toEqual(
      new Map(keys.map((key) => [key, partitionOf(key, 4)])),
    )
  })

  test('is not changed where the shards do not agree how a topic is written, and a pin of a shard that is no more does not count', async () => {
    await administrator.reshard(2, act)
    const pin = (shard: number, partitions: number, adopt: number | null) =>
      world.pool.query(
        `insert into backstitch.outbox_topic (shard, topic, partition_count, adopt_count) values ($1, $2, $3, $4)
         on conflict (shard, topic) do update set partition_count = excluded.partition_count, adopt_count = excluded.adopt_count`,
        [shard, topic, partitions, adopt],
      )
    await pin(0, 4, null)
    await pin(1, 8, null)
    await expect(administrator.reshard(3, act)).rejects.toMatchObject({ code: 'OUTBOX_TOPICS_APART' })
    await pin(1, 4, 8)
    await expect(administrator.reshard(3, act, { dryRun: true })).rejects.toThrow(topic)
    await pin(0, 4, 8)
    await pin(2, 16, null)
    await administrator.reshard(3, act)
    const { rows } = await world.pool.query(
      'select shard, partition_count as n, adopt_count as adopt from backstitch.outbox_topic order by shard',
    )
    expect(rows).toEqual([0, 1, 2].map((shard) => ({ shard, n: 4, adopt: 8 })))
  })

  test('is not changed while a replay is not done, and none is noted meanwhile', async () => {
    const operator = createOutboxOperator({ database: world.pool })
    await administrator.reshard(2, act)
    await world.insert('order-1', 'one')
    const { id } = await operator.replay({ fromSeq: '1' }, act)
    await expect(administrator.reshard(1, act)).rejects.toMatchObject({
      code: 'OUTBOX_REPLAY_OPEN',
      message: expect.stringContaining(id) as string,
    })
    await operator.cancelReplay(id, act)
    // one that reshards holds the verbs
    const locker = await world.open()
    await locker.client.query(lockVerbs, ['"backstitch"'])
    const replaying = operator.replay({ fromSeq: '1' }, act)
    await until('it waits', async () => {
      const { rows } = await world.pool.query<{ n: number }>(
        `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )
      return rows[0]?.n === 1
    })
    await locker.client.query('update backstitch.outbox_sharding set shard_count = 3, settled_count = 3')
    await locker.commit()
    const replay = await replaying
    const { rows } = await world.pool.query('select shard from backstitch.outbox_replay where id = $1', [
      replay.id,
    ])
    expect(rows).toHaveLength(3)
  })

  test('of a quarantine follows, and an owner from before can do nothing any more', async () => {
    const settings = { leaseDurationMs: 600, pageRows: 100, pageBytes: 1_000_000 }
    const old = await pgRelayDatabase(world.pool).connect(settings)
    try {
      await world.insert('order-1', 'poison', 'waits')
      const checkpoint = await old.acquire('old', 1)
      const cursor = {
        ...checkpoint?.cursor,
        previous: '1:1:',
        current: null,
        position: 0n,
        walkFrom: 0n,
        lowWater: 0n,
        sequenceHigh: 0n,
      }
      const save = { epoch: 1n, owner: 'old', leaseDurationMs: 1, cursor }
      await old.save({
        ...save,
        quarantine: {
          parked: ['1', '2'].map((seq) => ({ seq, topic, code: 'OUTBOX_RECORD_REFUSED', reason: 'large' })),
        },
      })
      await until('its lease is over', async () => (await old.view()).remainingMs < 0)
      await administrator.reshard(4, act)
      expect(await old.save(save)).toBeUndefined()
      expect(await old.acquire('old', 600)).toBeUndefined()
      const { rows } = await world.pool.query('select shard from backstitch.outbox_quarantine order by seq')
      expect(rows).toEqual([{ shard: 1 }, { shard: 1 }])
      const relay = await world.relay()
      await until('it holds the key', () => relay.status()[0]?.parkedKeys === 1)
      await createOutboxOperator({ database: world.pool }).retry({ topic }, act)
      await until('both are delivered', () => world.bodies().length === 2)
    } finally {
      old.close()
    }
  })

  test('moves a large quarantine a few thousand rows a statement, and counts it up to a bound', async () => {
    const rows = 12_000
    await world.pool.query(
      `insert into backstitch.outbox_quarantine (seq, shard, topic, id, aggregatetype, aggregateid, type, version, created_at, reason_code, reason)
       select n, 0, 'outbox.event.order', gen_random_uuid(), 'order', 'k-' || n % 1000, 't', 1, now(), 'OUTBOX_TOPIC_UNKNOWN', 'none' from generate_series(1, ${rows}) n`,
    )
    await world.pool.query(
      `create table moved (n bigint);
       create function note_moved() returns trigger language plpgsql as $$ begin insert into public.moved select count(*) from after_it; return null; end $$;
       create trigger note_moved after update on backstitch.outbox_quarantine referencing new table as after_it for each statement execute function note_moved()`,
    )
    await (await world.relay()).stop()
    await administrator.reshard(4, act)
    const { rows: moved } = await world.pool.query<{ most: number; sum: number }>(
      'select max(n)::integer as most, sum(n)::integer as sum from moved',
    )
    expect(moved[0]?.most).toBeLessThanOrEqual(5_000)
    expect(moved[0]?.sum).toBeGreaterThan(rows / 2)
    const { rows: apart } = await world.pool.query(
      'select from backstitch.outbox_quarantine where shard <> backstitch.outbox_shard(aggregateid, 4)',
    )
    expect(apart).toEqual([])
    await world.pool.query('update backstitch.outbox_checkpoint set system_identifier = 7')
    expect(await administrator.adopt(act, { dryRun: true })).toMatchObject({
      parked: 10_000,
      hasMoreParked: true,
    })
  })

  test('is waited for by a taker of the lease: one that looked before comes too late', async () => {
    await (await world.relay()).stop()
    const session = await pgRelayDatabase(world.pool).connect({
      leaseDurationMs: 6_000,
      pageRows: 100,
      pageBytes: 1_000_000,
    })
    const locker = await world.open()
    try {
      await locker.client.query('lock table backstitch.outbox_checkpoint in share row exclusive mode')
      const taking = session.acquire('late', 6_000)
      await until('it waits', async () => {
        const { rows } = await world.pool.query<{ n: number }>(
          `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        )
        return rows[0]?.n === 1
      })
      await locker.client.query('update backstitch.outbox_sharding set shard_count = 2, settled_count = 2')
      await locker.commit()
      expect(await taking).toBeUndefined()
    } finally {
      session.close()
    }
  })
})

test('whatever an outbox row has beside its transaction and its place it keeps where it is written anew', async () => {
  const { rows } = await world.pool.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = 'backstitch.outbox'::regclass and attnum > 0 and not attisdropped order by attnum`,
  )
  const columns = rows.map(({ name }) => name)
  expect([...keptColumns].toSorted()).toEqual(
    columns.filter((name) => !['xid', 'seq'].includes(name)).toSorted(),
  )
})
