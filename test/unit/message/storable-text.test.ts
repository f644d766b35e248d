import { expect, test } from 'vitest'
import { isStorableText, quoted } from '../../../src/message/storable-text.ts'

test.each(['', 'a', '\r\n\t\u0001', '\ufeff', '😀', '\u202e', '\uffff'])('Postgres can hold %j', (text) => {
  expect(isStorableText(text)).toBe(true)
})

test.each<unknown>([
  '\0',
  'a\0b',
  '\ud800',
  '\udc00',
  '\udc00\ud800',
  'a\ud83d',
  undefined,
  null,
  7,
  {},
  Buffer.from('a'),
])('Postgres cannot hold %j as text', (value) => {
  expect(isStorableText(value)).toBe(false)
})

test('quotes at most 80 characters with the control characters escaped', () => {
  expect(quoted('a\0\r\n"\ud800')).toBe(String.raw`"a\u0000\r\n\"\ud800"`)
  expect(quoted('x'.repeat(200))).toHaveLength(82)
  expect(quoted(undefined)).toBe('a value of type undefined')
})
