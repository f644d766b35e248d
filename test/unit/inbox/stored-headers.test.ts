import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type StoredHeader, storedHeaders } from '../../../src/inbox/stored-headers.ts'

function restored({ name, text, base64 }: StoredHeader): readonly [string, Buffer | null] {
  if (text !== undefined) return [name, Buffer.from(text)]
  return [name, base64 === undefined ? null : Buffer.from(base64, 'base64')]
}

test('text stays readable, all else is base64', () => {
  expect(
    storedHeaders([
      ['type', Buffer.from('grüße')],
      ['raw', Buffer.from([0xff])],
      ['nul', Buffer.from('a\0b')],
      ['none', null],
    ]),
  ).toEqual([
    { name: 'type', text: 'grüße' },
    { name: 'raw', base64: '/w==' },
    { name: 'nul', base64: 'YQBi' },
    { name: 'none' },
  ])
})

test('any value comes back byte for byte, through JSON that jsonb can hold', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.uint8Array())), (pairs) => {
      const headers = pairs.map(([name, value]) => [name.replaceAll('\0', ''), Buffer.from(value)] as const)
      const json = JSON.stringify(storedHeaders(headers))
      expect(json).not.toContain('\\u0000')
      expect((JSON.parse(json) as StoredHeader[]).map(restored)).toEqual(headers)
    }),
  )
})
