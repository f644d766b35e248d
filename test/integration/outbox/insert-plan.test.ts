import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertOutboxRows } from '../../../src/postgres/queries/outbox/insert-outbox-rows.ts'
import { type OutboxDatabase, outboxDatabase } from './outbox-database.ts'

type Plan = { 'Node Type': string; Output?: string[]; 'Relation Name'?: string; Plans?: Plan[] }

let database: OutboxDatabase
let nodes: Plan[]
beforeAll(async () => {
  database = await outboxDatabase()
  const { rows } = await database.pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (verbose, costs off, format json) ${insertOutboxRows('backstitch')}`,
    ['[]'],
  )
  const flat = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(flat)]
  nodes = flat(rows[0]!['QUERY PLAN'][0].Plan)
})
afterAll(() => database.close())

const drawsSeq = ({ Output = [] }: Plan): boolean => Output.some((column) => column.includes('nextval'))

test('the seq is drawn of rows that are in order already', () => {
  const draws = nodes.findIndex((node) => node['Node Type'] !== 'ModifyTable' && drawsSeq(node))
  expect(draws).toBeGreaterThan(0)
  // Nodes are listed from the top, which runs last: nothing above the draw may change the order, and nothing below it may draw.
  expect(nodes.slice(0, draws).map((node) => node['Node Type'])).toEqual(['ModifyTable'])
  expect(nodes.slice(draws + 1).some(drawsSeq)).toBe(false)
  expect(nodes.slice(draws).some(({ Output = [] }) => Output.includes('r.ordinality'))).toBe(true)
})

test('the insert draws xid before seq', () => {
  const output = nodes.find((node) => node['Node Type'] !== 'ModifyTable' && drawsSeq(node))?.Output ?? []
  const xid = output.findIndex((column) => column.includes('pg_current_xact_id'))
  expect(xid).toBeGreaterThanOrEqual(0)
  expect(xid).toBeLessThan(output.findIndex((column) => column.includes('nextval')))
})

test('the insert reads no table', () => {
  expect(
    nodes.filter((node) => node['Node Type'].includes('Scan')).map((node) => node['Node Type']),
  ).not.toContainEqual(expect.stringMatching(/Seq Scan|Index|Bitmap/))
})
