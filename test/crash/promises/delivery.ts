import type pg from 'pg'
import { expect } from 'vitest'
import type { TopicWitness } from '../world/topic-witness.ts'

type OutboxRow = {
  readonly id: string
  readonly topic: string
  readonly key: string
  readonly value: string | null
}

/**
 * Checks, on the topics as a witness has read them from their beginning, and in the outboxes:
 * - I1 every committed row is on its topic
 * - I2 nothing else is, and each record says what its row says
 * - I4 the first deliveries of each key come in the order in which its rows were committed (its writers hold a lock, so that of `seq`)
 */
export async function expectDelivered(
  witness: TopicWitness,
  topicPrefix: string,
  databases: readonly pg.Pool[],
): Promise<void> {
  expect(await witness.hasReadAll()).toBe(true)
  const rows = (await Promise.all(databases.map((pool) => outboxRows(pool, topicPrefix)))).flat()
  const byId = new Map(rows.map((row) => [row.id, row]))

  expect(rows.length).toBeGreaterThan(0)
  expect(
    rows.filter(({ id }) => !witness.ids.has(id)),
    'I1: committed, and not on its topic',
  ).toEqual([])
  expect(
    witness.records.filter((record) => !isCopy(record, byId.get(record.id))),
    'I2: on a topic, and never committed like that',
  ).toEqual([])

  const seen = new Set<string>()
  const firsts = witness.records
    .toSorted((a, b) => (a.offset < b.offset ? -1 : 1))
    .filter(({ id }) => !seen.has(id) && seen.add(id))
  expect(orderByKey(firsts), 'I4: the order of the first deliveries, by topic and key').toEqual(
    orderByKey(rows),
  )
  const partitions = Map.groupBy(witness.records, placeOf)
  for (const [place, records] of partitions)
    expect(new Set(records.map(({ partition }) => partition)).size, `I4: partitions of ${place}`).toBe(1)
}

async function outboxRows(pool: pg.Pool, topicPrefix: string): Promise<OutboxRow[]> {
  const { rows } = await pool.query<OutboxRow>(
    `select id::text, $1 || aggregatetype as topic, aggregateid as key, payload as value from backstitch.outbox order by seq`,
    [topicPrefix],
  )
  return rows
}

function isCopy(record: OutboxRow, row: OutboxRow | undefined): boolean {
  return row?.topic === record.topic && row.key === record.key && row.value === record.value
}

function placeOf({ topic, key }: Pick<OutboxRow, 'topic' | 'key'>): string {
  return `${topic} ${key}`
}

function orderByKey(rows: readonly OutboxRow[]): Record<string, string[]> {
  const groups = Map.groupBy(rows, placeOf)
  return Object.fromEntries([...groups].map(([place, group]) => [place, group.map(({ id }) => id)]))
}
