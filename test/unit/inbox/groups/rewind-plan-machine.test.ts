import { expect, test } from 'vitest'
import { planRewind, type RewindPartition } from '../../../../src/inbox/groups/rewind-plan-machine.ts'

const partition = (more: Partial<RewindPartition>): RewindPartition => ({
  topic: 'order',
  partition: 0,
  begin: 10n,
  end: 100n,
  committed: 50n,
  wanted: 20n,
  ...more,
})
const places = (more: Partial<RewindPartition>) =>
  planRewind([partition(more)]).map(({ from, to, records }) => [from, to, records])

test('a partition goes back to where it is wanted', () => {
  expect(planRewind([partition({})])).toEqual([
    { topic: 'order', partition: 0, from: 50n, to: 20n, records: 30n },
  ])
})

test('not before its first record', () => {
  expect(places({ wanted: 3n })).toEqual([[50n, 10n, 40n]])
})

test('and never forward: what lies between would be lost', () => {
  expect(places({ wanted: 50n })).toEqual([])
  expect(places({ wanted: 80n })).toEqual([])
  expect(places({ wanted: 0n, committed: 5n })).toEqual([]) // what it had not read is deleted
})

test('one that is not named, or where nothing was committed, stays where it is', () => {
  expect(places({ wanted: undefined })).toEqual([])
  expect(places({ committed: undefined })).toEqual([])
})
