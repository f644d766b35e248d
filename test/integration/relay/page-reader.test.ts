import { afterAll, beforeAll, expect, test } from 'vitest'
import { PgRelayClient } from '../../../src/postgres/relay/pg-relay-client.ts'
import { openRelaySession } from '../../../src/postgres/relay/pg-relay-session.ts'
import type { RelaySession } from '../../../src/relay/relay-database.ts'
import {
  at,
  type OutboxColumn,
  type OutboxTuple,
  textAt,
  valueAt,
} from '../../../src/relay/source/outbox-tuple.ts'
import { createDatabase } from '../../support/services.ts'
import { type RelayWorld, relayWorld } from './relay-world.ts'

let world: RelayWorld
const open: RelaySession[] = []
const connect = (url: string, isPipelined?: boolean) =>
  PgRelayClient.connect({ connectionString: url }, 'pages', 30_000, 'pages', isPipelined)

/** Pages of 50 rows and 100 kB: bodies of more than 4 kB are large. */
async function session(reader: () => Promise<PgRelayClient>): Promise<RelaySession> {
  const settings = { leaseDurationMs: 3_000, pageRows: 50, pageBytes: 100_000 }
  const opened = await openRelaySession(await connect(world.url), 'backstitch', settings, reader)
  open.push(opened)
  return opened
}
const withReader = () => session(() => connect(world.url, false))
const withoutReader = () => session(() => Promise.reject(new Error('no connection is left')))

beforeAll(async () => {
  world = await relayWorld()
})
afterAll(async () => {
  for (const opened of open) opened.close()
  await world.close()
})

const columns = (Object.keys(at) as OutboxColumn[]).filter((column) => column !== 'oversize')
const isPacked = (row: OutboxTuple | undefined): boolean => row !== undefined && 'bytes' in row

/** All rows, page by page, and how many of the pages were packed. */
async function readAll(reader: RelaySession) {
  const { rows: found } = await world.pool.query<{ s: string }>('select pg_current_snapshot()::text as s')
  const rows: (string | null)[][] = []
  let packedPages = 0
  for (let after = 0n; ; ) {
    const current = found[0]?.s ?? ''
    const page = await reader.readPage({ kind: 'walk', previous: '1:1:', current, after, upTo: 1_000_000n })
    rows.push(...page.rows.map((row) => columns.map((column) => valueAt(row, column))))
    if (isPacked(page.rows[0])) packedPages++
    const last = page.rows.at(-1)
    if (!page.full || !last) return { rows, packedPages }
    after = BigInt(textAt(last, 'seq'))
    page.release?.()
  }
}

test('a copy brings the same rows as a statement, whatever is in them', async () => {
  await world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, version, payload, payload_binary, headers, correlation_id, saga_id,
       saga_round, saga_attempt, expires_at, created_at)
     select 'order', 'ключ-' || g, 'order.placed', g,
       case g % 4 when 0 then null when 1 then '' when 2 then null else '{"ä":"' || repeat('ж', g) || '"}' end,
       case g % 4 when 2 then decode('00ff80' || repeat('fe', g), 'hex') end,
       case when g % 5 = 0 then '{"tenant": "t"}'::jsonb end, case when g % 3 = 0 then 'c' end,
       case when g % 7 = 0 then gen_random_uuid() end, nullif(g % 3, 0), nullif(g % 2, 0),
       case when g % 11 = 0 then 'infinity'::timestamp when g % 2 = 0 then timestamp '1970-01-01 00:00:07' end,
       timestamp '2026-11-24 12:00:00' + g * interval '1 microsecond'
     from generate_series(1, 320) g`,
  )
  const [copied, selected] = [await readAll(await withReader()), await readAll(await withoutReader())]
  expect(copied.rows).toEqual(selected.rows)
  expect(copied.rows).toHaveLength(320)
  expect(copied.packedPages).toBe(7)
  expect(selected.packedPages).toBe(0)
})

test('rows with large bodies are read within the bytes of a page, and small ones behind them packed again', async () => {
  await world.pool.query('truncate backstitch.outbox')
  await world.insert('k', ...Array.from({ length: 60 }, () => 'small'))
  await world.insert('k', ...Array.from({ length: 90 }, () => 'x'.repeat(60_000)))
  await world.insert('k', ...Array.from({ length: 2_000 }, () => 'small'))
  const reader = await withReader()
  const { rows, packedPages } = await readAll(reader)
  expect(rows.map((row) => row[at.payload]?.length)).toEqual([
    ...Array.from({ length: 60 }, () => 5),
    ...Array.from({ length: 90 }, () => 60_000),
    ...Array.from({ length: 2_000 }, () => 5),
  ])
  expect(packedPages).toBeGreaterThan(2)
  expect((await readAll(await withoutReader())).rows).toEqual(rows)
})

test('a connection that leads to another server is not read from', async () => {
  const other = await createDatabase()
  const reader = await session(async () => {
    const client = await connect(other.url, false)
    const run = client.run.bind(client)
    // the tests have one server: what it says of itself is changed
    client.run = async (statement, values) =>
      (await run(statement, values)).map((row) =>
        statement.name === 'identify' ? ['4711', ...row.slice(1)] : row,
      )
    return client
  })
  const { packedPages } = await readAll(reader)
  expect(packedPages).toBe(0)
})
