import { expect, test } from 'vitest'
import type { WholeLetter } from '../../../../src/inbox/letters/operator/letter-entry.ts'
import { letterLine, readLetterLine } from '../../../../src/inbox/letters/operator/letter-line.ts'
import { bytesOf, shownBytes } from '../../../../src/inbox/letters/operator/shown-bytes.ts'
import { newId } from '../../../../src/kernel/ids.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const binary = Buffer.from([0x00, 0xff, 0xfe, 0x0a])
const letter: WholeLetter = {
  id: '9007199254740993',
  group: 'billing',
  topic: 'outbox.event.order',
  partition: 3,
  offset: '9007199254740995',
  key: shownBytes(Buffer.from('grüße')),
  messageId: newId(),
  type: 'order.placed',
  bytes: 4,
  code: 'HANDLER_FAILED',
  reason: 'a line\nand another',
  attempts: 5,
  deadAt: new Date('2026-11-24T12:00:00.123Z'),
  state: 'retrying',
  dueAt: new Date('2026-11-24T12:00:01.000Z'),
  order: 'key',
  isHead: true,
  headers: [{ name: 'id', text: 'x' }, { name: 'raw', base64: binary.toString('base64') }, { name: 'none' }],
  body: shownBytes(binary),
  stack: 'Error: x\n  at y',
  timestampMs: 1_780_000_000_000,
}

test('a letter is one line, and the same letter when it is read back', () => {
  const line = letterLine(letter)
  expect(line).not.toContain('\n')
  expect(readLetterLine(line)).toEqual(letter)
  expect(bytesOf(readLetterLine(line).body)).toEqual(binary)
  const { type: _, dueAt: __, stack: ___, ...bare } = letter
  const least: WholeLetter = { ...bare, key: null, body: null, state: 'dead' }
  expect(readLetterLine(letterLine(least))).toEqual(least)
})

test.each(['', '{', '{}', JSON.stringify({ ...letter, body: { base64: '%' } })])(
  '%j is no such line',
  (line) => {
    expect(codeThrownBy(() => readLetterLine(line))).toBe('MESSAGE_MALFORMED')
  },
)

test.each([
  [null, null],
  [Buffer.from(''), { text: '' }],
  [Buffer.from('a\n'), { text: 'a\n' }],
  [Buffer.from('a\0'), { base64: 'YQA=' }],
  [Buffer.from([0xff]), { base64: '/w==' }],
])('%j is shown as %j, and is the same again', (bytes, shown) => {
  expect(shownBytes(bytes)).toEqual(shown)
  expect(bytesOf(shownBytes(bytes))).toEqual(bytes)
})
