import { expect, test } from 'vitest'
import { brokenPromises } from './broken-promises.ts'

const committed = new Set(['a:1', 'a:2', 'a:3', 'b:1'])
const on = (partition: number, ...bodies: string[]) =>
  bodies.map((body) => ({ key: body.slice(0, 1), body, partition }))

test('all delivered, in order, some twice: nothing is broken', () => {
  expect(brokenPromises(committed, [...on(0, 'a:1', 'a:2', 'a:1', 'a:2', 'a:3'), ...on(1, 'b:1')])).toEqual(
    [],
  )
})

test.each([
  ['a lost row', on(0, 'a:1', 'a:2', 'b:1'), /^I1 .* 1, such as a:3$/],
  ['a ghost', on(0, 'a:1', 'a:2', 'a:3', 'a:4', 'b:1'), /^I2 .* a:4$/],
  ['an inversion', on(0, 'a:1', 'a:3', 'a:2', 'b:1'), /^I4 .* a:2$/],
  ['a key on two partitions', [...on(0, 'a:1', 'a:2', 'b:1'), ...on(1, 'a:3')], /^I4 .* 1, such as a$/],
])('%s is seen', (_what, delivered, told) => {
  expect(brokenPromises(committed, delivered)).toEqual([expect.stringMatching(told)])
})
