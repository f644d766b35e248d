import { expect, test } from 'vitest'
import type { CatalogEntry } from '../../../../src/postgres/doctor/catalog.ts'
import { driftBetween } from '../../../../src/runtime/doctor/database/drift.ts'

const entry = (kind: CatalogEntry['kind'], table: string, name: string, definition = 'x'): CatalogEntry => ({
  kind,
  table,
  name,
  definition,
})

const expected = [
  entry('column', 'outbox', 'id', 'uuid'),
  entry('index', 'outbox', 'outbox_xid'),
  entry('constraint', 'timer', 'timer_pkey'),
  entry('function', '', 'outbox_shard(text)', 'a'),
]

test('what is as it was made has no drift, whatever else there is', () => {
  const actual = [...expected, entry('column', 'orders', 'id'), entry('function', '', 'theirs()')]
  expect(driftBetween(expected, actual)).toEqual({ missing: [], changed: [], added: [] })
})

test('what is missing, changed or added is named', () => {
  const actual = [
    entry('column', 'outbox', 'id', 'text'),
    entry('column', 'outbox', 'note'),
    entry('function', '', 'outbox_shard(text)', 'b'),
  ]
  expect(driftBetween(expected, actual)).toEqual({
    missing: ['the table timer', 'the index outbox_xid of outbox'],
    changed: [
      'the column outbox.id is "text" instead of "uuid"',
      'the function outbox_shard(text) has another body',
    ],
    added: ['the column outbox.note'],
  })
})
