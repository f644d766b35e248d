import { createOutboxAdministrator, createRelay, type Relay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import type { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type OwnServices, type PostgresServer, startServices } from '../../../../dev-services/index.ts'
import { startLocalPostgres } from '../../../../dev-services/local/postgres/start-local-postgres.ts'
import type { ReceivedRecord } from '../../../../src/transport/subscriber.ts'
import { brokenPromises } from '../../world/broken-promises.ts'
import { faultPool, migrateFaults } from '../../world/fault-pool.ts'
import { FaultWriters } from '../../world/fault-writers.ts'
import { until } from '../../world/until.ts'
import { Dump, programsFolder } from './postgres-programs.ts'

const folder = programsFolder()
const act = { actor: 'ann', reason: 'restored from a dump' }
let services: OwnServices
const stops: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  if (folder !== undefined) services = await startServices({ own: true, postgres: false, kafka: true })
})
afterAll(() => services?.stop())
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

/** A Postgres cluster of its own, with its own system identifier. */
async function cluster(): Promise<{ readonly server: PostgresServer; readonly pool: Pool }> {
  const server = await startLocalPostgres(
    { programsFolder: folder ?? '', parameters: { max_prepared_transactions: '5' } },
    () => undefined,
  )
  stops.push(() => server.stop())
  const pool = faultPool(server.url)
  stops.push(() => pool.end())
  return { server, pool }
}

/** A topic, and what is on it. */
async function topicWitness(): Promise<{ readonly topicPrefix: string; readonly bodies: () => string[] }> {
  const topicPrefix = `restored.${Date.now()}.`
  const transport = kafkajs({ brokers: services.kafka.brokers })
  const admin = transport.admin()
  await admin.createTopics([{ topic: `${topicPrefix}fault`, partitions: 4 }])
  await admin.close()
  // by place: a reader that lost its group for a moment is given some records twice
  const records = new Map<string, ReceivedRecord>()
  const subscriber = transport.subscriber({ group: topicPrefix, topics: [`${topicPrefix}fault`] })
  await subscriber.run({
    onBatch: (batch) => {
      for (const record of batch.records) {
        const place = `${batch.partition}/${record.offset}`
        if (!records.has(place)) records.set(place, record)
      }
      return Promise.resolve({ kind: 'done' })
    },
  })
  stops.push(() => subscriber.stop())
  return { topicPrefix, bodies: () => [...records.values()].map(({ value }) => String(value)) }
}

const bulk = `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
  select 'fault', $1 || n % 5, 't', $1 || n % 5 || ':' || n from generate_series(1, $2::integer) n`

describe.skipIf(folder === undefined)('a dump that was restored into another cluster (rule A5)', () => {
  test.each([1, 2])(
    'amid an open window and open transactions, with %i shard(s): what was published is not sent again, and everything else is',
    async (shards) => {
      const { topicPrefix, bodies } = await topicWitness()
      const { server, pool } = await cluster()
      await migrateFaults(pool)
      await pool.query('update backstitch.outbox_sharding set shard_count = $1, settled_count = $1', [shards])
      const settings = { topicPrefix, leaseDurationMs: 60_000, pageRows: 50 }

      // the relay freezes in the middle of a large window
      const held = Promise.withResolvers<void>()
      let isFrozen = false
      const first = createRelay({
        ...settings,
        databases: [pool],
        transport: kafkajs({ brokers: services.kafka.brokers }),
        testSignals: {
          reach: (point) => (isFrozen && point === 'relay.publish.before' ? held.promise : undefined),
        },
      })
      stops.push(() => first.stop())
      await first.start()
      const writers = new FaultWriters(pool, 'before')
      await until('rows flow', () => bodies().length > 100)

      // it has drawn its seqs long ago, and commits after the relay has passed them
      const early = await pool.connect()
      await early.query('begin')
      await early.query(bulk, ['early-', 40])
      const never = await pool.connect()
      await never.query('begin')
      await never.query(bulk, ['never-', 40])
      const before = bodies().length
      await until('rows flow past them', () => bodies().length > before + 100)
      await pool.query(bulk, ['bulk-', 8_000])
      await until(
        'the bulk is under way',
        () => bodies().filter((body) => body.startsWith('bulk-')).length > 400,
      )
      isFrozen = true
      await until('nothing flows any more', async () => {
        const count = bodies().length
        await new Promise((resolve) => setTimeout(resolve, 500))
        return bodies().length === count
      })
      await early.query('commit')
      early.release()
      const onTopicAtDump = new Set(bodies())
      const dump = new Dump(folder ?? '', server.url)

      // between the dump and the outage the relay goes on, and so do the services
      isFrozen = false
      held.resolve()
      await until('more is sent', () => bodies().length > onTopicAtDump.size + 200)
      await writers.stop()
      await first.stop()
      never.release(true)
      await server.stop()

      const { server: restored, pool: target } = await cluster()
      dump.restoreInto(restored.url)
      const open = await target.query(
        `select from (select distinct on (shard) * from backstitch.outbox_checkpoint order by shard, number desc) c where current is not null`,
      )
      expect(open.rowCount, 'the dump is of the middle of a window').toBeGreaterThan(0)
      const refused = createRelay({
        ...settings,
        databases: [target],
        transport: kafkajs({ brokers: services.kafka.brokers }),
      })
      stops.push(() => refused.stop())
      await refused.start()
      expect(refused.health().reason).toContain('OUTBOX_CHECKPOINT_FOREIGN')
      // by a service that nobody stopped: its transaction’s number looks like one of long ago
      await target.query(bulk, ['late-', 10])

      const stored = async (): Promise<string[]> =>
        (
          await target.query<{ payload: string }>('select payload from backstitch.outbox order by seq')
        ).rows.map(({ payload }) => payload)
      const all = await stored()
      const ids = async (): Promise<unknown[]> =>
        (
          await target.query(
            `select id, payload, created_at::text, xid = pg_current_xact_id() as own from backstitch.outbox order by seq`,
          )
        ).rows
      const idsBefore = new Map((await ids()).map((row) => [(row as { id: string }).id, row]))
      const administrator = createOutboxAdministrator({ database: target, name: 'shop' })
      const dry = await administrator.adopt(act, { dryRun: true })
      expect(dry).toMatchObject({ dryRun: true, shards, parked: 0 })
      expect(await stored()).toEqual(all)

      // somebody has written the outbox and is still at it: nothing is done
      const busy = await target.connect()
      await busy.query('begin')
      await busy.query(bulk, ['busy-', 1])
      await expect(administrator.adopt(act, { lockTimeoutMs: 300 })).rejects.toMatchObject({
        code: 'OUTBOX_IN_USE',
      })
      await busy.query('rollback')
      busy.release()

      const { sequence: _, ...report } = await administrator.adopt(act)
      const { sequence: __, ...dryReport } = dry
      expect(report).toEqual({ ...dryReport, dryRun: false })
      const left = await stored()
      expect(left).toHaveLength(report.unpublished)
      expect(report.unpublished + report.published).toBe(all.length)
      expect(left, 'in their order').toEqual(all.filter((body) => new Set(left).has(body)))
      for (const row of await ids()) {
        const { own: __own, ...kept } = row as { id: string; own: boolean }
        expect(idsBefore.get(kept.id)).toMatchObject(kept)
      }
      const unpublished = new Set(left)
      const published = all.filter((body) => !unpublished.has(body))
      expect(published.length).toBeGreaterThan(500)
      expect(
        published.filter((body) => !onTopicAtDump.has(body)),
        'taken for published, and not on the topic',
      ).toEqual([])
      expect(left.filter((body) => body.startsWith('early-'))).toHaveLength(40)
      expect(left.filter((body) => body.startsWith('late-'))).toHaveLength(10)
      // what was in flight when the relay froze was not saved yet
      expect(left.filter((body) => onTopicAtDump.has(body)).length).toBeLessThan(2_500)
      const audit = await target.query(
        `select verb, target_id, actor_id, after ->> 'unpublished' as n from backstitch.audit_entry`,
      )
      expect(audit.rows).toEqual([
        { verb: 'outbox adopt', target_id: 'shop', actor_id: 'ann', n: String(report.unpublished) },
      ])

      const after = bodies().length
      await until('the relay that was refused works by itself', () => refused.health().state === 'running')
      const second: Relay = createRelay({
        ...settings,
        databases: [target],
        transport: kafkajs({ brokers: services.kafka.brokers }),
      })
      stops.push(() => second.stop())
      await second.start()
      const later = new FaultWriters(target, 'after')
      await until('rows flow', () => later.committed.length > 100)
      await later.stop()
      await until('all is delivered', () => {
        const delivered = new Set(bodies().slice(after))
        return [...left, ...later.committed].every((body) => delivered.has(body))
      })
      const sentAgain = new Set(bodies().slice(after))
      expect(published.filter((body) => sentAgain.has(body))).toEqual([])
      expect(bodies().filter((body) => body.startsWith('never-'))).toEqual([])
      const records = bodies().map((body) => ({ key: body.split(':')[0] ?? '', body, partition: 0 }))
      expect(brokenPromises(new Set(bodies()), records)).toEqual([])
      await expect(administrator.adopt(act)).rejects.toMatchObject({ code: 'OUTBOX_NOT_RESTORED' })
    },
  )

  test('whose sequence did not come along counts what was written since as unpublished, and the quarantine stays', async () => {
    const { topicPrefix, bodies } = await topicWitness()
    const { server, pool } = await cluster()
    await migrateFaults(pool)
    const relay = createRelay({
      topicPrefix,
      databases: [pool],
      transport: kafkajs({ brokers: services.kafka.brokers }),
    })
    await relay.start()
    await pool.query(bulk, ['old-', 200])
    await pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('absent', 'k', 't', 'parked')`,
    )
    await until('all is delivered', () => bodies().length === 200)
    await until(
      'one is parked',
      async () => (await pool.query('select from backstitch.outbox_quarantine')).rowCount === 1,
    )
    await relay.stop()
    const dump = new Dump(folder ?? '', server.url)
    const { server: restored, pool: target } = await cluster()
    dump.restoreInto(restored.url)
    // as logical replication leaves it, after the leaves were emptied
    await target.query(`truncate backstitch.outbox; select setval('backstitch.outbox_seq_seq', 1, false)`)
    await target.query(bulk, ['new-', 50])
    // the dump was taken while a leaf was about to be made below rows of the default partition
    await target.query(`select backstitch.outbox_open_gap(0, 10)`)
    const report = await createOutboxAdministrator({ database: target }).adopt(act)
    expect(report).toMatchObject({ unpublished: 50, published: 0, parked: 1 })
    const { rows } = await target.query<{ low: string }>('select min(seq) as low from backstitch.outbox')
    expect(Number(rows[0]?.low)).toBeGreaterThan(201)
    const gap = await target.query(`select from pg_constraint where conname = 'outbox_gap'`)
    expect(gap.rowCount).toBe(0)
    const next = createRelay({
      topicPrefix,
      databases: [target],
      transport: kafkajs({ brokers: services.kafka.brokers }),
    })
    onTestFinished(() => next.stop())
    await next.start()
    await until('the new ones are delivered', () => bodies().length >= 250)
    expect(bodies()).toHaveLength(250)
    await until('the row is parked still', () => next.status()[0]?.parkedTopics.length === 1)
  })
})
