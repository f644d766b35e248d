import { expect, test } from 'vitest'
import { publishedOutbox } from './published-outbox.ts'
import { readByConsole } from './read-by-console.ts'
import { runSql } from './run-sql.ts'

const outbox = publishedOutbox()
const yearMs = 365 * 86_400_000

test('an insert at the psql prompt arrives as Debezium’s router would send it, read by Kafka’s own consumer', async () => {
  const { aggregateType, topic } = await outbox.newAggregateType()
  const client = await runSql(
    outbox.url(),
    `insert into backstitch.outbox (id, aggregatetype, aggregateid, type, payload)
     values ('0198A1B2-0000-7000-8000-00000000000A', '${aggregateType}', 'o-17', 'order.placed', '{"orderId": "o-17",  "total":1250}');
     insert into backstitch.outbox (aggregatetype, aggregateid, type)
     values ('${aggregateType}', 'o-17', 'order.placed');`,
  )
  console.log(`inserted with ${client}`)

  const [placed, deleted] = await readByConsole(topic, 2)
  expect(placed?.key).toEqual(Buffer.from('o-17'))
  expect(placed?.value).toEqual(Buffer.from('{"orderId": "o-17",  "total":1250}'))
  expect(placed?.headers[0]).toEqual(['id', '0198a1b2-0000-7000-8000-00000000000a'])
  expect(placed?.headers.map(([name]) => name)).toEqual(['id', 'type', 'version', 'created-at'])
  // neither payload nor payload_binary: a record without a value
  expect(deleted?.key).toEqual(Buffer.from('o-17'))
  expect(deleted?.value).toBeNull()
  const { rows } = await outbox
    .pool()
    .query(`select id::text from backstitch.outbox where aggregatetype = $1 order by seq`, [aggregateType])
  expect([placed, deleted].map((record) => Object.fromEntries(record?.headers ?? [])['id'])).toEqual(
    rows.map(({ id }: { id: string }) => id),
  )
})

test('the record’s time is that of publishing, however old the row is; its own time is a header', async () => {
  const { aggregateType, topic } = await outbox.newAggregateType()
  const beforeMs = Date.now()
  await runSql(
    outbox.url(),
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, created_at)
     values ('${aggregateType}', 'o-1', 'order.placed', '{}', (clock_timestamp() - interval '365 days') at time zone 'UTC'),
       ('${aggregateType}', 'o-1', 'order.placed', '{}', '2001-02-03 04:05:06.000007'),
       ('${aggregateType}', 'o-1', 'order.placed', '{}', '1969-12-31 23:59:59.5'),
       ('${aggregateType}', 'o-1', 'order.placed', '{}', '1970-01-01 00:00:00.000015');`,
  )
  const records = await readByConsole(topic, 4)
  for (const { timestampMs } of records) {
    expect(timestampMs).toBeGreaterThanOrEqual(beforeMs)
    expect(timestampMs).toBeLessThanOrEqual(Date.now())
  }
  const [old, ...fixed] = records.map(({ headers }) => Object.fromEntries(headers)['created-at'])
  expect(Math.abs(Number(old) / 1_000 - (beforeMs - yearMs))).toBeLessThan(60_000)
  expect(fixed).toEqual([`${Date.UTC(2001, 1, 3, 4, 5, 6) / 1_000}000007`, '-500000', '15'])
})
