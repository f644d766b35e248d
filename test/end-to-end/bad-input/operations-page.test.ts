import { createConsumer, createOutboxAdministrator, createRelay, on } from 'backstitch'
import { readFile } from 'node:fs/promises'
import { Pool } from 'pg'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { uniqueName } from '../../support/services.ts'
import { OrderPlaced } from './world/shop.ts'
import { TopicReader } from './world/topic-reader.ts'
import { World } from './world/world.ts'

// What docs/operations.md tells people to run in the dead of night is run here, as it stands there.
let statements: ReadonlyMap<string, readonly string[]>
beforeAll(async () => {
  const page = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  const bySection = new Map<string, string[]>()
  let section = ''
  for (const [, heading, sql] of page.matchAll(/^#+ (.+)$|```sql\n([\s\S]*?)```/gm)) {
    if (heading !== undefined) section = heading
    else if (sql !== undefined) bySection.set(section, [...(bySection.get(section) ?? []), sql])
  }
  statements = bySection
})
const statement = (section: string, n = 0): string => {
  const sql = statements.get(section)?.[n]
  if (sql === undefined) throw new Error(`docs/operations.md has no statement ${n} under "${section}"`)
  return sql
}

const payload = (orderId: string): string => `{"orderId":"${orderId}","total":1}`
const order = (orderId: string) => ({ key: 'k', payload: payload(orderId) })

/** An outbox of which a relay has published some rows before it was stopped, and others have come since. */
const halfPublished = async (
  published: readonly string[],
  waiting: readonly string[],
): Promise<{ world: World; reader: TopicReader }> => {
  const world = await World.open()
  await world.createTopics('order')
  const reader = await TopicReader.of(world.topicOf('order'))
  const relay = world.relay()
  await relay.start()
  await world.insert(...published.map(order))
  await reader.holds('k', published.map(payload))
  await relay.stop()
  await world.insert(...waiting.map(order))
  return { world, reader }
}

/** The numbers of another cluster, as a dump brings them: far ahead of this one’s. */
const ahead = 1_000_000_000n

/** Makes the outbox look as if it came from a dump: all transaction numbers, or those of the checkpoint alone, are another cluster’s. */
const restoredFromDump = async (
  { pool }: World,
  from: { readonly rows: boolean; readonly systemIdentifier?: string },
): Promise<void> => {
  await pool.query(
    'delete from backstitch.outbox_checkpoint where number < (select max(number) from backstitch.outbox_checkpoint)',
  )
  if (from.rows)
    await pool.query(`alter table backstitch.outbox_0 drop constraint outbox_own_xid;
      update backstitch.outbox set xid = (xid::text::bigint + ${ahead})::text::xid8;
      alter table backstitch.outbox_0 add constraint outbox_own_xid check (xid = pg_current_xact_id()) not valid`)
  const { rows } = await pool.query<{ previous: string }>(
    'select previous::text from backstitch.outbox_checkpoint',
  )
  const shifted = rows[0]?.previous.replaceAll(/\d+/g, (xid) => String(BigInt(xid) + ahead))
  await pool.query(
    'update backstitch.outbox_checkpoint set previous = $1, system_identifier = coalesce($2, system_identifier)',
    [shifted, from.systemIdentifier ?? null],
  )
}

const refusesToPublish = async (world: World, code: string): Promise<void> => {
  const relay = world.relay()
  await relay.start()
  expect(relay.health()).toMatchObject({ state: 'failing' })
  expect(relay.health().reason).toMatch(
    new RegExp(`^shop: ${code}: .*docs/operations\\.md, “A restored database”`),
  )
  await world.log.says({ level: 'error', code })
  await relay.stop()
}

const adopt = (world: World) =>
  createOutboxAdministrator({ database: world.pool }).adopt({ actor: 'ann', reason: 'it was restored' })

describe('a restored database', () => {
  test.each([
    ['OUTBOX_CHECKPOINT_FOREIGN', { rows: true, systemIdentifier: '42' }],
    ['OUTBOX_CHECKPOINT_AHEAD', { rows: true }],
  ] as const)(
    'after a dump, %s: the unpublished rows are written anew, and only they are published',
    async (code, from) => {
      const { world, reader } = await halfPublished(['o-1', 'o-2', 'o-3'], ['o-4', 'o-5'])
      await restoredFromDump(world, from)
      await world.insert(order('o-6')) // by a service that nobody stopped: its number looks old here
      await refusesToPublish(world, code)

      const ids = async (): Promise<unknown[]> =>
        (
          await world.pool.query(
            `select id::text, payload from backstitch.outbox where payload ~ 'o-[456]' order by seq`,
          )
        ).rows
      const before = await ids()
      await adopt(world)
      expect(await ids()).toEqual(before)
      await world.relay().start()
      await world.insert(order('o-7'))
      await reader.holds('k', ['o-1', 'o-2', 'o-3', 'o-4', 'o-5', 'o-6', 'o-7'].map(payload))
    },
  )

  test('with a checkpoint that is not to be trusted everything is published again, and the inbox passes over what it had', async () => {
    const { world, reader } = await halfPublished(['o-1', 'o-2'], ['o-3'])
    const consumer = world.consumer()
    await consumer.start()
    await expect.poll(() => world.invoices(), { timeout: 20_000 }).toEqual(['o-1', 'o-2'])
    await restoredFromDump(world, { rows: true, systemIdentifier: '42' })
    await world.pool.query(statement('A restored database'))
    await adopt(world)
    await world.relay().start()
    await reader.holds('k', ['o-1', 'o-2', 'o-1', 'o-2', 'o-3'].map(payload))
    await expect.poll(() => world.invoices(), { timeout: 20_000 }).toEqual(['o-1', 'o-2', 'o-3'])
    expect(await world.deadLetters()).toEqual([])
  })

  test('where the transaction numbers were kept, the checkpoint is adopted and nothing is published twice', async () => {
    const { world, reader } = await halfPublished(['o-1', 'o-2'], ['o-3'])
    await world.pool.query('update backstitch.outbox_checkpoint set system_identifier = 42')
    await refusesToPublish(world, 'OUTBOX_CHECKPOINT_FOREIGN')
    await adopt(world)
    await world.relay().start()
    await reader.holds('k', ['o-1', 'o-2', 'o-3'].map(payload))
  })

  test('of a window that was under way, the rows up to its position count as published', async () => {
    const { world } = await halfPublished(['o-1'], ['o-2', 'o-3', 'o-4'])
    await world.pool.query(
      `update backstitch.outbox_checkpoint set current = pg_current_snapshot(),
         sequence_high = (select last_value from backstitch.outbox_seq_seq),
         position = (select seq from backstitch.outbox where payload ~ 'o-3')`,
    )
    const waiting = await world.pool.query(statement('Health', 1))
    await world.pool.query('update backstitch.outbox_checkpoint set system_identifier = 42')
    expect(waiting.rows).toMatchObject([{ count: '1' }])
    await adopt(world)
    const { rows } = await world.pool.query('select payload from backstitch.outbox')
    expect(rows).toEqual([{ payload: payload('o-4') }])
  })
})

test('the page’s queries say who owns the outbox and how many rows wait', async () => {
  const { world, reader } = await halfPublished(['o-1'], ['o-2', 'o-3'])
  const [owner, waiting] = [statement('Health', 0), statement('Health', 1)]
  expect((await world.pool.query(owner)).rows).toMatchObject([{ owner: null }])
  const { rows } = await world.pool.query<{ count: string; oldest: Date }>(waiting)
  expect(rows).toMatchObject([{ count: '2', oldest: expect.any(Date) as Date }])
  await world.relay().start()
  await reader.holds('k', ['o-1', 'o-2', 'o-3'].map(payload))
  expect((await world.pool.query(owner)).rows).toMatchObject([
    { alive: true, owner: expect.stringContaining('/') as string },
  ])
  const none = async (): Promise<unknown> => (await world.pool.query(waiting)).rows
  await expect.poll(none, { timeout: 10_000 }).toEqual([{ count: '0', oldest: null }])
})

test('a leaf is emptied by hand only when it is behind the sequence, published, and free', async () => {
  const { world, reader } = await halfPublished(['o-1'], ['o-2'])
  const empty = async (): Promise<unknown> =>
    (await world.pool.query<{ outbox_empty_leaf: boolean }>(statement('Tables that grow', 1))).rows[0]
      ?.outbox_empty_leaf
  const look = async (): Promise<unknown> =>
    (await world.pool.query(statement('Tables that grow', 0))).rows[0] as unknown
  expect(await empty()).toBe(false)
  await world.pool.query(`select setval('backstitch.outbox_seq_seq', 250005)`)
  expect(await empty()).toBe(false)
  expect(await look()).toMatchObject({ name: 'outbox_0', published: false })
  const relay = world.relay()
  const holder = await world.pool.connect()
  try {
    await holder.query('begin; select from backstitch.outbox_0')
    await relay.start()
    await reader.holds('k', ['o-1', 'o-2'].map(payload))
    await relay.stop()
    expect(await look()).toMatchObject({ name: 'outbox_0', published: true })
    await expect(empty()).rejects.toMatchObject({ code: '55P03' })
    await holder.query('commit')
  } finally {
    holder.release()
  }
  expect(await empty()).toBe(true)
  await world.relay().start()
  await world.insert(order('o-3'))
  await reader.holds('k', ['o-1', 'o-2', 'o-3'].map(payload))
})

test('the other statements run', async () => {
  const world = await World.open()
  await world.createTopics('order')
  const consumer = createConsumer({
    database: world.pool,
    transport: world.transport,
    topicPrefix: world.topicPrefix,
    group: 'billing',
    retry: { attemptsMax: 1, backoff: { initialMs: 1, maxMs: 1, factor: 1 } },
    handlers: [on(OrderPlaced, () => Promise.reject(new Error('no')))],
  })
  onTestFinished(() => consumer.stop())
  await Promise.all([world.relay().start(), consumer.start()])
  await world.insert(order('o-1'))
  const letters = async (): Promise<unknown> =>
    (await world.pool.query('select reason_code, reason from backstitch.dead_letter')).rows
  await expect.poll(letters, { timeout: 20_000 }).toEqual([{ reason_code: 'HANDLER_FAILED', reason: 'no' }])
  expect((await world.pool.query(statement('Parked sagas'))).rows).toEqual([])
  await world.pool.query(statement('Tables that grow', 2))
})

test('a relay whose user has the rights of the page and no others publishes, parks and drains', async () => {
  const world = await World.open()
  await world.createTopics('order')
  const user = uniqueName('relay')
  await world.pool.query(`create role ${user} login password 'relay';
    grant usage on schema backstitch to ${user};
    grant select on backstitch.outbox, backstitch.outbox_sharding, backstitch.backstitch_migration to ${user};
    grant select on sequence backstitch.outbox_seq_seq to ${user};
    grant select, insert, update, delete on backstitch.outbox_quarantine to ${user};
    grant select, insert on backstitch.outbox_checkpoint, backstitch.outbox_settled to ${user};
    grant select, update on backstitch.outbox_replay to ${user};
    grant select, insert, update on backstitch.outbox_topic to ${user};
    grant insert on backstitch.outbox to ${user};
    grant select, update, delete on backstitch.outbox_deferred to ${user};
    grant execute on all functions in schema backstitch to ${user}`)
  const url = new URL(world.url)
  url.username = user
  url.password = 'relay'
  const pool = new Pool({ connectionString: url.href })
  onTestFinished(async () => {
    await pool.end()
    await world.pool.query(`drop owned by ${user}; drop role ${user}`)
  })
  const relay = createRelay({
    databases: [pool],
    transport: world.transport,
    topicPrefix: world.topicPrefix,
    logger: world.log,
  })
  onTestFinished(() => relay.stop())
  await relay.start()
  await world.insert(order('o-1'), { aggregateType: 'invoice', ...order('i-1') })
  await (await TopicReader.of(world.topicOf('order'))).holds('k', [payload('o-1')])
  await expect.poll(() => relay.status()[0]?.parkedTopics, { timeout: 10_000 }).toHaveLength(1)
  await world.createTopics('invoice')
  await (await TopicReader.of(world.topicOf('invoice'))).holds('k', [payload('i-1')])
  await world.pool.query(`select setval('backstitch.outbox_seq_seq', 250005)`)
  const hasLeaf = async (leaf: number): Promise<boolean> =>
    (await world.pool.query(`select from pg_class where relname = 'outbox_' || $1`, [leaf])).rowCount === 1
  await expect.poll(() => hasLeaf(4), { timeout: 10_000 }).toBe(true)
  await expect.poll(() => hasLeaf(0), { timeout: 10_000 }).toBe(false)
})
