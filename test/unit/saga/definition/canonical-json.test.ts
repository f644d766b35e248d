import { expect, test } from 'vitest'
import { canonicalJson } from '../../../../src/saga/definition/canonical-json.ts'

test('sorts the names of objects at every depth and keeps the order of lists', () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }, 'x'], a: { z: true, y: undefined } })).toBe(
    '{"a":{"z":true},"b":[{"c":null,"d":1},"x"]}',
  )
})
