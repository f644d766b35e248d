import { expect, test } from 'vitest'
import { editedLetter, type LetterEdit } from '../../../../src/inbox/letters/operator/letter-edit.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const letter = {
  messageId: 'old',
  headers: [
    { name: 'id', text: 'old' },
    { name: 'type', text: 'order.placed' },
    { name: 'twice', text: '1' },
    { name: 'twice', base64: '/w==' },
    { name: 'content-type', text: 'application/json; charset=utf-8' },
  ],
  body: { text: '{}' },
}
const edited = (edit: LetterEdit) => editedLetter(letter, edit, 'new', defaultBodyLimits)

test('an edit makes another message: a new id, and the old one as its cause', () => {
  expect(edited({ body: '{"a":1}' })).toEqual({
    messageId: 'new',
    headers: [{ name: 'id', text: 'new' }, { name: 'causation-id', text: 'old' }, ...letter.headers.slice(1)],
    body: { text: '{"a":1}' },
  })
})

test('headers are set once, or removed; the body stays as it is', () => {
  const { headers, body } = edited({ headers: { twice: '2', type: null, tenant: 'eu' } })
  expect(headers.filter(({ name }) => name === 'twice')).toEqual([{ name: 'twice', text: '2' }])
  expect(headers.some(({ name }) => name === 'type')).toBe(false)
  expect(headers).toContainEqual({ name: 'tenant', text: 'eu' })
  expect(body).toEqual({ text: '{}' })
})

test('a body may be bytes or nothing, and must be JSON where its content type says so', () => {
  expect(edited({ body: null }).body).toBeNull()
  expect(edited({ body: Buffer.from([0xff]), headers: { 'content-type': 'application/avro' } }).body).toEqual(
    {
      base64: '/w==',
    },
  )
  expect(codeThrownBy(() => edited({ body: '{' }))).toBe('MESSAGE_INVALID')
  expect(codeThrownBy(() => edited({ body: '"x"'.repeat(400_000) }))).toBe('MESSAGE_TOO_LARGE')
})

test.each<LetterEdit>([
  {},
  { headers: {} },
  { headers: { id: 'mine' } },
  { headers: { 'causation-id': 'mine' } },
  { headers: { '': 'x' } },
  { headers: { a: 'nul \0' } },
])('%j is refused', (edit) => {
  expect(codeThrownBy(() => edited(edit))).toBe('MESSAGE_INVALID')
})

test('headers have a limit', () => {
  expect(codeThrownBy(() => edited({ headers: { a: 'x'.repeat(100_000) } }))).toBe('MESSAGE_TOO_LARGE')
})
