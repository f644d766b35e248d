import { Pool, type PoolClient } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditEntry } from '../../../src/audit/audit-trail.ts'
import { migrate } from '../../../src/postgres/migrate.ts'
import { pgAuditTrail } from '../../../src/postgres/audit/pg-audit-trail.ts'
import { createOutboxOperator } from '../../../src/runtime/outbox-operator.ts'
import { createDatabase } from '../../support/services.ts'

let url: string
let pool: Pool
const trail = pgAuditTrail()
beforeAll(async () => {
  url = (
    await createDatabase({ migrate: async (it) => void (await migrate({ database: it, parts: ['outbox'] })) })
  ).url
  pool = new Pool({ connectionString: url, max: 4 })
  pool.on('error', () => undefined)
})
afterAll(() => pool.end())
beforeEach(async () => {
  await pool.query(`set session_replication_role = replica; truncate backstitch.audit_entry, backstitch.outbox_quarantine;
    set session_replication_role = default`)
})

const entry = (id: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  actor: { id: 'ann', kind: 'person' },
  verb: 'outbox retry',
  target: { kind: 'outbox.row', id },
  reason: 'the limit was raised',
  ...more,
})
const within = async <Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } finally {
    await client.query('rollback')
    client.release()
  }
}
const read = (filter: Partial<Parameters<typeof trail.read>[1]> = {}) =>
  within((client) => trail.read(client, { limit: 100, ...filter }))
/** Two parked rows of one key. */
const park = async (): Promise<void> => {
  await pool.query(`insert into backstitch.outbox_quarantine
      (seq, shard, topic, id, aggregatetype, aggregateid, type, version, payload, created_at, reason_code, reason)
    select n, 0, 'outbox.event.order', gen_random_uuid(), 'order', 'k', 'order.placed', 1, '{}', now(),
      case n when 1 then 'OUTBOX_RECORD_REFUSED' else 'OUTBOX_KEY_PARKED' end, 'r' from generate_series(1, 2) n`)
}
const intents = async (): Promise<unknown[]> =>
  (await pool.query('select intent from backstitch.outbox_quarantine order by seq')).rows.map(
    (row: { intent: unknown }) => row.intent,
  )
const act = { actor: 'ann', reason: 'the limit was raised' }

describe('the trail', () => {
  test('keeps entries as they were given, in order, with the time of the database', async () => {
    const whole = entry('1', {
      actor: { id: 'sweeper', kind: 'service' },
      before: { payload: '{"b": 1,  "a": 2}', headers: null, list: [1, 'x'] },
      after: { intent: 'retry' },
    })
    await within((client) => trail.record(client, whole, entry('2')))
    const [second, first] = await read()
    expect(first).toEqual({ ...whole, seq: '1', at: expect.any(Date) as Date })
    expect(second).toEqual({ ...entry('2'), seq: '2', at: expect.any(Date) as Date })
    expect(Math.abs(Date.now() - (first?.at.getTime() ?? 0))).toBeLessThan(60_000)
  })

  test('is read by targets, even of very long names, and by pages', async () => {
    const long = { kind: 'outbox.key', id: `outbox.event.order/${'k'.repeat(100_000)}` }
    await within((client) =>
      trail.record(client, entry('1'), entry('2'), entry('1'), entry('3', { target: long })),
    )
    const ofOne = await read({ targets: [{ kind: 'outbox.row', id: '1' }, long] })
    expect(ofOne.map(({ target }) => target.kind)).toEqual(['outbox.key', 'outbox.row', 'outbox.row'])
    expect(await read({ targets: [{ kind: 'saga', id: '1' }] })).toEqual([])
    const page = await read({ limit: 2 })
    const rest = await read({ limit: 9, beforeSeq: page.at(-1)?.seq ?? '' })
    expect([...page, ...rest].map(({ seq }) => Number(seq))).toEqual(
      (await read()).map(({ seq }) => Number(seq)),
    )
    expect(rest).toHaveLength(2)
    const again = await read({ targets: [{ kind: 'outbox.row', id: '1' }], limit: 1 })
    expect(again).toHaveLength(1)
  })

  test('only grows', async () => {
    await within((client) => trail.record(client, entry('1')))
    for (const statement of [
      `update backstitch.audit_entry set reason = 'another'`,
      'delete from backstitch.audit_entry',
      'truncate backstitch.audit_entry',
    ])
      await expect(pool.query(statement)).rejects.toMatchObject({ code: '23001' })
    expect(await read()).toHaveLength(1)
  })

  test('is rolled back with the act', async () => {
    await expect(
      within(async (client) => {
        await trail.record(client, entry('1'))
        throw new Error('the act failed')
      }),
    ).rejects.toThrow('the act failed')
    expect(await read()).toEqual([])
  })
})

describe('a verb on parked rows', () => {
  beforeEach(park)

  test('leaves one entry for each row that was named, or for the key, topic or outbox', async () => {
    const operator = createOutboxOperator({ database: pool })
    await operator.retry({ seqs: ['1', '2'] }, act)
    await operator.retry({ topic: 'outbox.event.order', key: 'k' }, act)
    await operator.skip(
      { topic: 'outbox.event.order' },
      { ...act, actor: { id: 'sweeper', kind: 'service' } },
    )
    await operator.skip({ all: true }, act)
    const entries = await read()
    expect(
      entries.toReversed().map(({ verb, target, actor }) => [verb, target.kind, target.id, actor.id]),
    ).toEqual([
      ['outbox retry', 'outbox.row', '1', 'ann'],
      ['outbox retry', 'outbox.row', '2', 'ann'],
      ['outbox retry', 'outbox.key', 'outbox.event.order/k', 'ann'],
      ['outbox skip', 'outbox.topic', 'outbox.event.order', 'sweeper'],
      ['outbox skip', 'outbox', 'quarantine', 'ann'],
    ])
    expect(entries.map(({ reason }) => reason)).toEqual(Array.from({ length: 5 }, () => act.reason))
  })

  test.each([
    ['REASON_MISSING', { actor: 'ann', reason: ' ' }],
    ['ACTOR_MISSING', { actor: '', reason: 'r' }],
  ])('is refused with %s, and nothing is written', async (code, incomplete) => {
    const operator = createOutboxOperator({ database: pool })
    await expect(operator.retry({ seqs: ['1'] }, incomplete)).rejects.toMatchObject({ code })
    expect(await intents()).toEqual([null, null])
    expect(await read()).toEqual([])
  })

  test('that fails at its entry changes nothing', async () => {
    await pool.query(
      `alter table backstitch.audit_entry add constraint full_now check (verb <> 'outbox skip') not valid`,
    )
    try {
      await expect(createOutboxOperator({ database: pool }).skip({ seqs: ['1'] }, act)).rejects.toMatchObject(
        { code: '23514' },
      )
    } finally {
      await pool.query('alter table backstitch.audit_entry drop constraint full_now')
    }
    expect(await intents()).toEqual([null, null])
    expect(await read()).toEqual([])
  })

  test('whose connection is killed between its write and its entry leaves neither', async () => {
    const holder = await pool.connect()
    await holder.query('begin; lock table backstitch.audit_entry in exclusive mode')
    const verb = createOutboxOperator({ database: pool }).skip({ seqs: ['1'] }, act)
    verb.catch(() => undefined)
    const waiting = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await expect.poll(async () => (await pool.query(waiting)).rows.length, { timeout: 20_000 }).toBe(1)
    await pool.query(`select pg_terminate_backend(pid) from (${waiting}) as w`)
    await expect(verb).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
    await holder.query('rollback')
    holder.release()
    expect(await intents()).toEqual([null, null])
    expect(await read()).toEqual([])
  })

  test('is refused where there is no trail', async () => {
    await pool.query('alter table backstitch.audit_entry rename to away')
    try {
      await expect(
        createOutboxOperator({ database: pool }).retry({ seqs: ['1'] }, act),
      ).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
    } finally {
      await pool.query('alter table backstitch.away rename to audit_entry')
    }
    expect(await intents()).toEqual([null, null])
  })
})
