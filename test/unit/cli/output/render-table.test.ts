import { expect, test } from 'vitest'
import { renderTable } from '../../../../src/cli/output/render-table.ts'

test('columns are as wide as what they hold', () => {
  expect(
    renderTable(
      ['id', 'state'],
      [
        { id: 1n, state: 'ok' },
        { id: 22n, state: undefined },
      ],
    ),
  ).toBe('ID  STATE\n1   ok\n22  -\n')
})

test('no rows leave the names of the columns', () => {
  expect(renderTable(['id'], [])).toBe('ID\n')
})

test('what could move a terminal’s cursor is escaped', () => {
  expect(renderTable(['key'], [{ key: 'a\u001b[2Jb\nc\u009b' }])).toBe('KEY\na\\u001b[2Jb\\u000ac\\u009b\n')
})

test('times are ISO 8601', () => {
  expect(renderTable(['at'], [{ at: new Date(0) }])).toBe('AT\n1970-01-01T00:00:00.000Z\n')
})
