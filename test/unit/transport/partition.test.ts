import { expect, test } from 'vitest'
import { murmur2, partitionOf } from '../../../src/transport/partition.ts'

// The golden vectors of Kafka’s own UtilsTest.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of "%s" is that of the Java client', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

test('a key in UTF-8 gives the same partition as its bytes', () => {
  expect(partitionOf('grüße', 12)).toBe(partitionOf(Buffer.from('grüße'), 12))
})
