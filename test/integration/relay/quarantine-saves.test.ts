import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pgRelayDatabase } from '../../../src/postgres/relay/pg-relay-database.ts'
import type { QuarantineChange } from '../../../src/relay/quarantine/quarantine-session.ts'
import type { RelaySession } from '../../../src/relay/relay-database.ts'
import { adoptTopic } from '../../../src/runtime/adopt-topic.ts'
import { partitionOf } from '../../../src/transport/partition.ts'
import { type RelayWorld, relayWorld, topic, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld()
})
afterEach(() => world.close())

const many = 9_000
const cursor = { previous: '1:1:', current: null, position: 0n, walkFrom: 0n, lowWater: 0n, sequenceHigh: 0n }

/** Rows of the quarantine as a relay would have parked them: `columns` are SQL over their number `n`. */
const park = (
  from: number,
  to: number,
  columns: { key: string; code: string; partition?: string; intent?: string },
): Promise<unknown> =>
  world.pool.query(
    `insert into backstitch.outbox_quarantine
       (seq, shard, topic, partition, id, aggregatetype, aggregateid, type, version, payload, created_at, reason_code, reason, intent, intent_by, intent_reason, intent_at)
     select n, 0, $3, ${columns.partition ?? 'null'}, gen_random_uuid(), 'order', ${columns.key}, 't', 1, n::text, now(), ${columns.code}, 'r',
       i, case when i is not null then 'ann' end, case when i is not null then 'a test' end, case when i is not null then now() end
     from generate_series($1::bigint, $2::bigint) n, (select ${columns.intent ?? 'null'}::text as i) i, setval('backstitch.outbox_seq_seq', $2::bigint)`,
    [from, to, topic],
  )
const count = async (condition: string): Promise<number> => {
  const { rows } = await world.pool.query<{ n: number }>(
    `select count(*)::int as n from backstitch.outbox_quarantine where ${condition}`,
  )
  return rows[0]?.n ?? 0
}

describe('a save changes few rows of a large quarantine, so that it is done in time (rule B15)', () => {
  let session: RelaySession
  beforeEach(async () => {
    session = await pgRelayDatabase(world.pool).connect({
      leaseDurationMs: 60_000,
      pageRows: 100,
      pageBytes: 1_000_000,
    })
    await session.acquire('a', 60_000)
  })
  afterEach(() => session.close())
  const save = (quarantine: QuarantineChange) =>
    session.save({ epoch: 1n, owner: 'a', leaseDurationMs: 60_000, cursor, quarantine })
  const refused = [{ seq: '1', topic, key: 'k', code: 'OUTBOX_RECORD_REFUSED', reason: 'too large' }] as const

  test('when a row is refused: those behind it stay as they are', async () => {
    await park(1, many, { key: `'k'`, code: `'OUTBOX_TOPIC_UNKNOWN'` })
    expect(await save({ refused })).toBeDefined()
    expect(await count(`seq = 1 and reason_code = 'OUTBOX_RECORD_REFUSED' and reason = 'too large'`)).toBe(1)
    expect(await count(`reason_code = 'OUTBOX_TOPIC_UNKNOWN' and reason = 'r'`)).toBe(many - 1)
    expect(await save({ waiting: ['2', '3'] })).toBeDefined()
    expect(await count(`reason_code = 'OUTBOX_KEY_PARKED' and seq in (2, 3)`)).toBe(2)
  })

  test('when very many were to be tried again: the wishes go some thousand at a time', async () => {
    await park(1, many, { key: `'k'`, code: `'OUTBOX_KEY_PARKED'`, intent: `'retry'` })
    await park(many + 1, many + 10, { key: `'other'`, code: `'OUTBOX_KEY_PARKED'`, intent: `'retry'` })
    const wishes: number[] = []
    for (let n = 0; n < 3; n++) {
      await save({ refused })
      wishes.push(await count('intent is not null'))
    }
    expect(wishes).toEqual([many + 10 - 4_001, many + 10 - 8_001, 10])
  })

  test('when a topic gets another number of partitions: the last rows of each partition go first', async () => {
    await park(1, many, { key: `'k-' || n % 2`, code: `'OUTBOX_PARTITION_HELD'`, partition: 'n % 2' })
    expect(await session.hasHeldRows(topic)).toBe(true)
    await save({ moving: topic })
    expect(await count(`reason_code = 'OUTBOX_TOPIC_UNKNOWN' and partition is null`)).toBe(4_000)
    expect(await count(`reason_code = 'OUTBOX_TOPIC_UNKNOWN' and (seq <= 1000 or seq % 2 = 0)`)).toBe(0)
    await save({ moving: 'another' })
    expect(await count(`reason_code = 'OUTBOX_PARTITION_HELD'`)).toBe(many - 4_000)
    for (let n = 0; n < 2; n++) await save({ moving: topic })
    expect(await session.hasHeldRows(topic)).toBe(false)
    expect(await session.hasHeldRows('another')).toBe(false)
  })

  test('when a topic can be written to and a partition of it cannot', async () => {
    await park(1, 3, {
      key: `'k'`,
      code: `case n when 3 then 'OUTBOX_RECORD_REFUSED' else 'OUTBOX_TOPIC_UNKNOWN' end`,
    })
    await save({
      held: [
        { seq: '1', partition: 7 },
        { seq: '3', partition: 7 },
      ],
    })
    expect(await count(`seq = 1 and reason_code = 'OUTBOX_PARTITION_HELD' and partition = 7`)).toBe(1)
    expect(await count(`reason_code = 'OUTBOX_PARTITION_HELD'`)).toBe(1)
  })
})

test('a new number of partitions is adopted though very many rows wait for the old ones, and they follow in order', async () => {
  const keys = Array.from({ length: 20 }, (_, n) => `k-${n}`)
  // as an owner left them that died half-way: the last ones wait for the topic by now
  const partitions = keys.map((key) => `when '${key}' then ${partitionOf(key, 4)}`).join(' ')
  const columns = { key: `'k-' || n % 20`, code: `'OUTBOX_PARTITION_HELD'` }
  await park(1, many, { ...columns, partition: `case 'k-' || n % 20 ${partitions} end` })
  await park(many + 1, many + 1_000, { ...columns, code: `'OUTBOX_TOPIC_UNKNOWN'` })
  await world.pool.query(
    'insert into backstitch.outbox_topic (shard, topic, partition_count) values (0, $1, 4)',
    [topic],
  )
  world.transport.deleteTopic(topic)
  await world.transport.admin().createTopics([{ topic, partitions: 2 }])
  await adoptTopic(
    { database: world.pool, transport: world.transport, topic },
    { actor: 'ann', reason: 'fewer' },
  )
  await world.relay()
  await until('all have followed', async () => (await count('true')) === 0, 50_000)
  for (const records of Map.groupBy(world.transport.records(topic), ({ key }) => String(key)).values()) {
    const numbers = records.map(({ value }) => Number(value))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers.length).toBe((many + 1_000) / 20)
  }
})
