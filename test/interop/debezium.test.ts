import { createRelay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DebeziumOutbox } from './debezium-outbox.ts'
import { rowsOfAllKinds } from './rows-of-all-kinds.ts'
import { readTopics, type WireRecord } from './wire-record.ts'

let outbox: DebeziumOutbox
const run = `interop_${Date.now().toString(36)}`
const ourPrefix = `${run}.ours.`
const theirPrefix = `${run}.theirs.`
const aggregateTypes = ['order', 'stock.command', 'orchestrator.reply', 'orchestrator.saga']

beforeAll(async () => {
  outbox = await DebeziumOutbox.start(run, ['outbox'])
  const topics = [ourPrefix, theirPrefix].flatMap((prefix) =>
    aggregateTypes.map((type) => `${prefix}${type}`),
  )
  await outbox.createTopics(topics, 3)
  await outbox.connect('outbox', theirPrefix)
}, 300_000)

afterAll(() => outbox?.stop(), 60_000)

test('a stock Debezium makes of the outbox the records that the relay makes of it', async () => {
  const { pool, brokers } = outbox
  // the rows lie on both sides of a partition’s edge
  await pool.query('alter table backstitch.outbox alter column seq restart with 999990')
  const rows = rowsOfAllKinds()
  for (const row of rows) {
    const columns = Object.keys(row)
    await pool.query(
      `insert into backstitch.outbox (${columns.join(', ')}) values (${columns.map((_, n) => `$${n + 1}`).join(', ')})`,
      Object.values(row),
    )
  }
  const relay = createRelay({ databases: [pool], transport: kafkajs({ brokers }), topicPrefix: ourPrefix })
  await relay.start()
  const read = (prefix: string): Promise<WireRecord[]> =>
    readTopics(
      brokers,
      prefix,
      aggregateTypes.map((type) => `${prefix}${type}`),
      rows.length,
      () => outbox.assertRuns('outbox'),
    )
  try {
    const [ours, theirs] = [await read(ourPrefix), await read(theirPrefix)]
    expect(ours).toHaveLength(rows.length)
    expect(new Set(ours.map(({ topic }) => topic))).toEqual(new Set(aggregateTypes))
    expect(theirs).toEqual(ours)
  } finally {
    await relay.stop()
  }
}, 120_000)
