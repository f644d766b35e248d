import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32c, portableCrc32c } from '../../../../src/kafka/platformatic/encoding/crc32c.ts'

// RFC 3720, appendix B.4
const vectors: readonly (readonly [name: string, bytes: Buffer, crc: number])[] = [
  ['zeros', Buffer.alloc(32), 0x8a9136aa],
  ['ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['counting up', Buffer.from(Array.from({ length: 32 }, (_, n) => n)), 0x46dd794e],
  ['counting down', Buffer.from(Array.from({ length: 32 }, (_, n) => 31 - n)), 0x113fdb5c],
  ['text', Buffer.from('123456789'), 0xe3069283],
  ['nothing', Buffer.alloc(0), 0],
]

test.each(vectors)('the checksum of %s', (_, bytes, crc) => {
  expect(portableCrc32c(bytes)).toBe(crc)
  expect(crc32c(bytes)).toBe(crc)
})

test('both ways give the same, at any place in memory', () => {
  expect(crc32c).not.toBe(portableCrc32c)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), (array, start) => {
      const bytes = Buffer.from(array).subarray(Math.min(start, array.length))
      expect(portableCrc32c(bytes)).toBe(crc32c(bytes))
    }),
  )
})
