import { expect, test } from 'vitest'
import { batchesOf } from '../../../../src/relay/publishing/batches-of.ts'
import { recordOfRow } from '../../../../src/relay/record/record-of-row.ts'
import { rowsOf } from '../rows.ts'

test.each([
  [0, []],
  [1, [1]],
  [10, [10]],
  [11, [10, 1]],
  [25, [10, 10, 5]],
])('%i entries go out in batches of ten at most', (count, sizes) => {
  const entries = rowsOf(count).map((row) => ({ row, record: recordOfRow(row, 't', 0) }))
  const batches = batchesOf(entries, 10)
  expect(batches.map(({ length }) => length)).toEqual(sizes)
  expect(batches.flat()).toEqual(entries)
})
