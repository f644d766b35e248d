import { afterEach, expect, test } from 'vitest'
import { migrate } from '../../../../src/postgres/migrate.ts'
import { groupWorld } from './group-world.ts'
import { serviceDatabase } from '../service-database.ts'
import { publish, started, until } from '../topic-feed.ts'

const database = serviceDatabase()
const { rows, effects } = database
const act = { actor: 'ann', reason: 'the index was lost' }
const earliest = { to: { kind: 'earliest' } } as const

afterEach(() => rows('truncate effect'))

const records = (topic: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({
    topic,
    type: 'order.placed',
    partition: n % 2,
    // of one partition each
    key: `k-${n % 6}`,
    value: { name: String(from + n) },
  }))
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n)).toSorted()
const applied = async (): Promise<string[]> => (await effects()).toSorted()
const audited = (group: string) =>
  rows<{ verb: string; reason: string; before: unknown; after: unknown }>(
    `select verb, reason, before, after from backstitch.audit_entry where target_kind = 'inbox.group' and target_id = $1 order by seq`,
    [group],
  )

test('redeliver: with the inbox on nothing is applied twice, and what was missed is', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  await publish(transport, records(topic, 40))
  await drain()
  expect(await applied()).toEqual(names(40))
  // as if one had never been handled
  await rows(`delete from effect where name = '7'`)
  await rows(
    `delete from backstitch.inbox where consumer_group = $1 and id = (select id from backstitch.inbox where consumer_group = $1 order by received_at limit 1)`,
    [group],
  )
  const had = await applied()

  const plan = await operator.redeliver(group, { ...earliest, dryRun: true }, act)
  expect(plan).toEqual({
    group,
    generation: 1,
    deadLettersDropped: 0,
    dryRun: true,
    partitions: [
      { topic, partition: 0, from: 20n, to: 0n, records: 20n },
      { topic, partition: 1, from: 20n, to: 0n, records: 20n },
    ],
  })
  expect((await operator.show(group)).partitions.map(({ lag }) => lag)).toEqual([0n, 0n])
  expect(await audited(group)).toEqual([])

  expect(await operator.redeliver(group, earliest, act)).toEqual({ ...plan, dryRun: false })
  expect((await operator.show(group)).partitions.map(({ lag }) => lag)).toEqual([20n, 20n])
  await drain()
  const now = await applied()
  expect(now).toHaveLength(had.length + 1) // the one whose claim is gone
  expect(await audited(group)).toEqual([
    {
      verb: 'group redeliver',
      reason: act.reason,
      before: { generation: 1, offsets: { [`${topic}/0`]: '20', [`${topic}/1`]: '20' } },
      after: {
        generation: 1,
        deadLettersDropped: 0,
        offsets: { [`${topic}/0`]: '0', [`${topic}/1`]: '0' },
      },
    },
  ])
})

test('reprocess: each message is applied exactly once more, also when it comes again', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  const sent = records(topic, 30)
  const ids = await publish(transport, sent)
  await drain()
  await publish(
    transport,
    sent.slice(0, 10).map((record, n) => ({ ...record, id: ids[n]! })),
  )
  expect(await operator.reprocess(group, earliest, act)).toMatchObject({ generation: 2, dryRun: false })
  await drain()
  expect(await applied()).toEqual([...names(30), ...names(30)].toSorted())

  // the new generation knows what it had
  await operator.redeliver(group, earliest, act)
  await drain()
  expect(await applied()).toHaveLength(60)
  expect(
    await rows(
      `select consumer_group as name, count(*)::integer from backstitch.inbox where consumer_group like $1 || '%' group by 1 order by 1`,
      [group],
    ),
  ).toEqual([
    { name: group, count: 30 },
    { name: `${group}#2`, count: 30 },
  ])
})

test('a partition of the topic, to an offset; the other stays, and none goes forward', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  await publish(transport, records(topic, 20))
  await drain()
  const to = (partition: number, offset: bigint) =>
    ({ to: { kind: 'offsets', offsets: [{ topic, partition, offset }] } }) as const
  expect(await operator.reprocess(group, to(0, 99n), act)).toMatchObject({ generation: 1, partitions: [] })
  await operator.reprocess(group, to(1, 4n), act)
  await drain()
  expect(await applied()).toEqual([...names(20), '9', '11', '13', '15', '17', '19'].toSorted())
  await expect(operator.reprocess(group, to(2, 4n), act)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await expect(
    operator.redeliver(group, { to: { kind: 'earliest', topics: ['other'] } }, act),
  ).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('to a time: from the first record that was published then', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  await publish(transport, records(topic, 10))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const timeMs = Date.now()
  await publish(transport, records(topic, 10, 10))
  await drain()
  const report = await operator.reprocess(group, { to: { kind: 'time', timeMs } }, act)
  expect(report.partitions.map(({ to }) => to)).toEqual([5n, 5n])
  await drain()
  expect(await applied()).toEqual(
    [...names(20), ...names(20).filter((name) => Number(name) >= 10)].toSorted(),
  )
})

test('all is refused while the group has a member, and of a group that is not there', async () => {
  const { group, topic, transport, operator, member } = await groupWorld(database)
  await publish(transport, records(topic, 4))
  await started(member())
  await until('the effects', async () => (await applied()).length === 4)
  for (const verb of ['redeliver', 'reprocess'] as const)
    await expect(operator[verb](group, earliest, act)).rejects.toMatchObject({ code: 'GROUP_IN_USE' })
  await expect(operator.forget(group, act)).rejects.toMatchObject({ code: 'GROUP_IN_USE' })
  expect(await operator.show(group)).toMatchObject({ generation: 1, state: 'stable', kind: 'consumer' })
  expect(await audited(group)).toEqual([])
  await expect(operator.redeliver('nobody', earliest, act)).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND' })
  await expect(operator.reprocess(group, earliest, { ...act, reason: ' ' })).rejects.toMatchObject({
    code: 'REASON_MISSING',
  })
})

test('redeliver is refused where the inbox has forgotten what came before; reprocess is not', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  await publish(transport, records(topic, 6))
  await drain()
  await rows(`update backstitch.inbox_retention set kept_from = clock_timestamp()`)
  await expect(operator.redeliver(group, earliest, act)).rejects.toMatchObject({ code: 'REDELIVERY_TOO_OLD' })
  expect((await operator.show(group)).partitions.map(({ lag }) => lag)).toEqual([0n, 0n])
  await operator.reprocess(group, earliest, act)
  await rows(`update backstitch.inbox_retention set kept_from = '-infinity'`)
  await drain()
  expect(await applied()).toHaveLength(12)
})

test('reprocess drops the dead letters whose records come again, and their keys hold nothing back', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  await publish(transport, records(topic, 20))
  const poison = (name: string): void => {
    if (name === '3') throw new Error('poison')
  }
  await drain(poison, { retry: { attemptsMax: 1, backoff: { initialMs: 1, maxMs: 1, factor: 1 } } })
  expect(await applied()).toEqual(names(20).filter((name) => !['3', '9', '15'].includes(name)))
  const letters = () =>
    rows(`select message_id from backstitch.dead_letter where consumer_group = $1`, [group])
  expect(await letters()).toHaveLength(3)
  expect(await operator.reprocess(group, earliest, act)).toMatchObject({ deadLettersDropped: 3 })
  expect(await letters()).toEqual([])
  expect(await rows('select from backstitch.dead_letter_key where consumer_group = $1', [group])).toEqual([])
  await drain()
  expect((await effects()).filter((name) => ['3', '9', '15'].includes(name))).toEqual(['3', '9', '15'])
  expect(await applied()).toHaveLength(37)
})

test('a member that joins in the middle of a reprocess waits for it, and takes nothing under the old generation', async () => {
  const { group, topic, transport, member, drain } = await groupWorld(database)
  await publish(transport, records(topic, 8))
  await drain()
  const admin = transport.admin()
  await admin.setGroupOffsets(
    group,
    topic,
    new Map([
      [0, 0n],
      [1, 0n],
    ]),
  )
  await admin.close()
  const operator = await database.pool().connect()
  await operator.query('begin')
  await operator.query('select from backstitch.inbox_group where consumer_group = $1 for update', [group])
  const starting = started(member())
  await until('the member to wait for the operator', async () => {
    const waiting = await rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%inbox_group%'`,
    )
    return waiting.length > 0
  })
  await operator.query('update backstitch.inbox_group set generation = 2 where consumer_group = $1', [group])
  await operator.query('commit')
  operator.release()
  await starting
  await until('the effects', async () => (await applied()).length === 16)
})

test('an orchestrator is redelivered, but not reprocessed; a group that is forgotten is listed no more', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  await publish(transport, records(topic, 2))
  await drain()
  await rows(`update backstitch.inbox_group set kind = 'orchestrator' where consumer_group = $1`, [group])
  await expect(operator.reprocess(group, earliest, act)).rejects.toMatchObject({ code: 'GROUP_REFUSES' })
  expect((await operator.redeliver(group, earliest, act)).partitions).toHaveLength(2)
  expect((await operator.list()).map((one) => one.group)).toContain(group)
  await operator.forget(group, act)
  expect((await operator.list()).map((one) => one.group)).not.toContain(group)
  expect((await audited(group)).map(({ verb }) => verb)).toEqual(['group redeliver', 'group forget'])
})

test('an inbox without an audit trail lets nobody act', async () => {
  const { group, topic, transport, operator, drain } = await groupWorld(database)
  await publish(transport, records(topic, 2))
  await drain()
  await migrate({ database: database.pool(), parts: ['audit'], direction: 'down' })
  await expect(operator.redeliver(group, earliest, act)).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
  await migrate({ database: database.pool(), parts: ['audit'] })
  expect((await operator.show(group)).partitions.map(({ lag }) => lag)).toEqual([0n, 0n])
})
