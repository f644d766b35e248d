import { createOutbox, event } from 'backstitch'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { releaseDeferred } from '../../../src/postgres/queries/relay/release-deferred.ts'
import { pgRelayDatabase } from '../../../src/postgres/relay/pg-relay-database.ts'
import type { Released } from '../../../src/relay/deferred/deferred-session.ts'
import { onlyShard } from '../../../src/relay/ownership/shard.ts'
import type { RelaySession } from '../../../src/relay/relay-database.ts'
import { type RelayWorld, relayWorld, topic, until } from './relay-world.ts'

const Reminded = event('order.reminded', {
  version: 1,
  key: (p) => p.key,
  payload: z.object({ key: z.string() }),
})
const outbox = createOutbox({ service: 'orders' })
const owner = 'test'
const whole = { rowsMax: 500, without: [] }
const settings = { leaseDurationMs: 60_000, pageRows: 100, pageBytes: 1_000_000 }

let world: RelayWorld
let sessions: RelaySession[] = []
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(async () => {
  for (const session of sessions) session.close()
  sessions = []
  await world.close()
})

/** Defers messages of some keys, in one transaction. */
async function defer(keys: readonly string[], notBefore: Date | '1h' | '1ms'): Promise<readonly string[]> {
  const messages = keys.map((key) => Reminded.create({ key }))
  await outbox.transaction(world.pool, (_tx, unit) => {
    unit.enqueue(messages, { notBefore })
    return Promise.resolve()
  })
  return messages.map(({ id }) => id)
}

/** Rows that were due so many seconds ago, by plain SQL. */
async function deferRows(count: number, secondsAgo: number, payload = 'x'): Promise<void> {
  await world.pool.query(
    `insert into backstitch.outbox_deferred (aggregatetype, aggregateid, type, payload, due_at)
     select 'order', n::text, 'order.reminded', $3, now() - $2 * interval '1 s' + n * interval '1 us' from generate_series(1, $1::integer) n`,
    [count, secondsAgo, payload],
  )
}

const waiting = async (): Promise<number> =>
  Number((await world.pool.query('select count(*) as n from backstitch.outbox_deferred')).rows[0].n)

async function session(): Promise<RelaySession> {
  const opened = await pgRelayDatabase(world.pool).connect(settings)
  sessions.push(opened)
  return opened
}

/** A session that owns the outbox, and others that act for the same owner. */
async function owning() {
  const first = await session()
  const { epoch } = (await first.acquire(owner, settings.leaseDurationMs))!
  const release = async (from: string | null = null, by: RelaySession = first) => {
    const released = await by.releaseDue({ epoch, owner, from, ...whole })
    if ('refused' in released) throw new Error(`it was refused: ${released.refused.reason}`)
    return released
  }
  return { epoch, release, session: first }
}

describe('deferred messages', () => {
  test('are published when they are due, in the order of their due time, and not before (rule C22)', async () => {
    const dueAtMs = Date.now() + 400
    await defer(['later'], '1h')
    await defer(['third', 'fourth'], new Date(dueAtMs + 200))
    await defer(['first'], new Date(dueAtMs))
    await defer(['second'], new Date(dueAtMs + 100))
    await world.relay()
    await until('the due ones are published', () => world.bodies().length === 4)
    expect(Date.now()).toBeGreaterThanOrEqual(dueAtMs + 200)
    expect(world.bodies().map((body) => (JSON.parse(body) as { key: string }).key)).toEqual([
      'first',
      'second',
      'third',
      'fourth',
    ])
    expect(await waiting()).toBe(1)
  })

  test('keep their id and all that the message says', async () => {
    const [id] = await defer(['a'], '1ms')
    await world.relay()
    await until('it is published', () => world.bodies().length === 1)
    const headers = (world.transport.records(topic)[0]?.headers ?? []).map(([name, value]) => [
      name,
      String(value),
    ])
    expect(Object.fromEntries(headers)).toMatchObject({ id, type: 'order.reminded' })
  })

  test('that are taken back are never published; the transaction decides', async () => {
    const [kept = '', cancelled = ''] = await defer(['kept', 'cancelled'], '1h')
    const undone = await world.open()
    expect(await outbox.cancel(undone.client, kept)).toBe(true)
    await undone.rollback()
    const done = await world.open()
    expect(await outbox.cancel(done.client, cancelled)).toBe(true)
    await done.commit()
    await world.pool.query(`update backstitch.outbox_deferred set due_at = now()`)
    await world.relay()
    await until('what was kept is published', () => world.bodies().length === 1)
    expect(world.bodies()).toEqual(['{"key":"kept"}'])
    expect(await waiting()).toBe(0)
  })

  test('that are being taken back hold up nobody', async () => {
    const [, second = ''] = await defer(['a', 'b', 'c'], '1ms')
    const open = await world.open()
    await outbox.cancel(open.client, second)
    await world.relay()
    await until('the others are published', () => world.bodies().length === 2)
    await open.rollback()
    await until('it is published after all', () => world.bodies().length === 3)
    expect(world.bodies()).toEqual(['{"key":"a"}', '{"key":"c"}', '{"key":"b"}'])
  })

  test('stay where they are while the right to release them is missing, and publishing goes on', async () => {
    const { epoch, session: first } = await owning()
    await deferRows(1, 1)
    await world.pool.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise insufficient_privilege; end $$;
       create trigger refuse before delete on backstitch.outbox_deferred for each row execute function refuse()`,
    )
    expect(await first.releaseDue({ epoch, owner, from: null, ...whole })).toMatchObject({
      refused: { state: '42501', isOfMessage: false },
    })
    expect(await first.flushedTo()).toBeGreaterThan(0n)
    expect(await waiting()).toBe(1)
  })
})

describe('a deferred message that the outbox refuses', () => {
  test('waits, and those of its key behind it; all others go on, and so does the tenure', async () => {
    await world.pool.query(
      `alter table backstitch.outbox add constraint no_dots check (aggregateid <> 'of a constraint') not valid;
       create function refuse() returns trigger language plpgsql as $$ begin
         if new.payload like '%bad%' then raise exception using errcode = case new.aggregateid when 'of a trigger' then 'P0001' else 'SHOP1' end; end if;
         return new;
       end $$;
       create trigger refuse before insert on backstitch.outbox for each row execute function refuse()`,
    )
    await world.pool.query(
      `insert into backstitch.outbox_deferred (aggregatetype, aggregateid, type, payload, due_at)
       select 'order', case when n in (300, 700) then 'of a constraint' when n in (400, 800) then 'of a trigger' when n = 500 then 'of its own' else n::text end,
         'order.reminded', case when n in (400, 500) then 'bad' else n::text end, now() - interval '1 minute' + n * interval '1 ms'
       from generate_series(1, 1000) n`,
    )
    await world.relay()
    await until('the others are published', () => world.bodies().length === 995, 30_000)
    await world.insert('live', 'live')
    await until('new rows flow', () => world.bodies().includes('live'))
    const held = new Set([300, 400, 500, 700, 800])
    const published = world.bodies().filter((body) => body !== 'live')
    expect(published.map(Number).toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n + 1).filter((n) => !held.has(n)),
    )
    expect(await waiting()).toBe(5)
    expect(world.lines.filter((line) => line === 'owns the outbox')).toHaveLength(1)
    expect(world.lines.filter((line) => line.includes('is refused by the outbox'))).toHaveLength(3)
  })

  test('is told with its SQLSTATE, and who comes first is told', async () => {
    const { epoch, session: first } = await owning()
    await deferRows(2, 1)
    await world.pool.query(
      `alter table backstitch.outbox add constraint odd check (aggregateid <> '1') not valid`,
    )
    const release = { epoch, owner, from: null, ...whole }
    expect(await first.releaseDue(release)).toMatchObject({ refused: { state: '23514', isOfMessage: true } })
    const key = { aggregateType: 'order', key: '1' }
    expect(await first.firstDue(release)).toEqual(key)
    expect(await first.releaseDue({ ...release, without: [key] })).toMatchObject({ count: 1 })
    expect(await first.firstDue({ ...release, without: [key] })).toBeUndefined()
    expect(await waiting()).toBe(1)
  })
})

describe('a release', () => {
  test('moves nothing for who does not own the outbox', async () => {
    const { epoch, session: first } = await owning()
    await deferRows(3, 1)
    for (const [wrongEpoch, wrongOwner] of [
      [epoch - 1n, owner],
      [epoch + 1n, owner],
      [epoch, 'another'],
    ] as const)
      expect(
        await first.releaseDue({ epoch: wrongEpoch, owner: wrongOwner, from: null, ...whole }),
      ).toMatchObject({ count: 0 })
    expect(await waiting()).toBe(3)
  })

  test('takes a bounded number, the earliest first, and says that there is more', async () => {
    const { release } = await owning()
    await deferRows(1_200, 3_600)
    const first = await release()
    expect(first).toMatchObject({ count: 500, more: true })
    const second = await release(first.next)
    expect(second).toMatchObject({ count: 500, more: true })
    expect(await release(second.next)).toMatchObject({ count: 200, more: false, untilNextMs: undefined })
    const { rows } = await world.pool.query('select aggregateid from backstitch.outbox order by seq')
    expect(rows.map(({ aggregateid }) => Number(aggregateid))).toEqual(
      Array.from({ length: 1_200 }, (_, n) => n + 1),
    )
  })

  test('ends after eight megabytes', async () => {
    const { release } = await owning()
    await deferRows(30, 60, 'x'.repeat(900_000))
    const first = await release()
    expect(first).toMatchObject({ count: 9, more: true })
    expect(await release(first.next)).toMatchObject({ count: 9, more: true })
  })

  test('tells how long the next one waits', async () => {
    const { release } = await owning()
    await defer(['a'], '1h')
    const { untilNextMs } = await release()
    expect(untilNextMs).toBeGreaterThan(3_500_000)
    expect(untilNextMs).toBeLessThanOrEqual(3_600_000)
  })

  test('moves each message once, however many act for the owner at the same time', async () => {
    const { release } = await owning()
    await deferRows(4_000, 60)
    const others = await Promise.all(Array.from({ length: 4 }, () => session()))
    const counts = await Promise.all(
      others.map(async (by) => {
        let count = 0
        for (let idle = 0; idle < 2; ) {
          const released = await release(null, by)
          count += released?.count ?? 0
          idle = released?.count === 0 ? idle + 1 : 0
        }
        return count
      }),
    )
    expect(counts.reduce((sum, count) => sum + count)).toBe(4_000)
    const { rows } = await world.pool.query(
      'select count(*)::integer as n, count(distinct id)::integer as ids from backstitch.outbox',
    )
    expect(rows).toEqual([{ n: 4_000, ids: 4_000 }])
    expect(await waiting()).toBe(0)
  })

  test('looks for late commits only when it looks at everything', async () => {
    const { release } = await owning()
    await deferRows(1, 1)
    const { next } = await release()
    await deferRows(1, 5)
    expect(await release(next)).toMatchObject({ count: 1 })
    await deferRows(1, 60)
    expect(await release(next)).toMatchObject({ count: 0 })
    expect(await release()).toMatchObject({ count: 1 })
  })

  test('does not read again, behind a held snapshot, what it released long before (rule B16)', async () => {
    const { release, epoch } = await owning()
    const holder = await world.open()
    await holder.client.query('set transaction isolation level repeatable read')
    await holder.client.query('select pg_current_snapshot()')
    await deferRows(20_000, 3_600)
    let next: string | null = null
    for (let more = true; more; ) {
      const released: Released = await release(next)
      ;({ next, more } = released)
    }
    const bufferOf = async (from: string | null): Promise<number> => {
      const client = await world.pool.connect()
      try {
        await client.query(
          `set enable_seqscan = off; set enable_bitmapscan = off; set plan_cache_mode = force_generic_plan`,
        )
        const { rows } = await client.query<{
          'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }]
        }>(`explain (analyze, buffers, format json) ${releaseDeferred('backstitch', onlyShard)}`, [
          0,
          String(epoch),
          owner,
          from,
          500,
          null,
        ])
        const { Plan } = rows[0]!['QUERY PLAN'][0]
        return Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
      } finally {
        client.release(true)
      }
    }
    const [bounded, full] = [await bufferOf(next), await bufferOf(null)]
    await holder.rollback()
    expect(bounded).toBeLessThan(60)
    expect(full).toBeGreaterThan(bounded * 5)
  })
})
