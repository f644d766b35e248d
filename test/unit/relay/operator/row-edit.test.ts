import { describe, expect, test } from 'vitest'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { editedContent, type RowContent, type RowEdit } from '../../../../src/relay/operator/row-edit.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const row = {
  id: 'old',
  causationId: 'cause',
  payload: '{"a": 1}',
  payloadBase64: null,
  headers: { tenant: 'eu', kept: 7 },
  contentType: null,
}
const edited = (change: RowEdit, of: RowContent & { contentType: string | null } = row): RowContent =>
  editedContent(of, change, 'new', defaultBodyLimits)
const inBytes = { ...row, payload: null, payloadBase64: Buffer.from([1, 255]).toString('base64') }

describe('an edited row', () => {
  test('is another message, caused by the old one, with the text exactly as it was given', () => {
    expect(edited({ body: '{"b":  2.0}' })).toEqual({
      id: 'new',
      causationId: 'old',
      payload: '{"b":  2.0}',
      payloadBase64: null,
      headers: { tenant: 'eu', kept: 7 },
    })
  })

  test('keeps its body when only headers change; headers are set, removed and kept', () => {
    expect(edited({ headers: { tenant: null, region: 'north' } })).toMatchObject({
      payload: '{"a": 1}',
      headers: { kept: 7, region: 'north' },
    })
    expect(edited({ headers: { tenant: null, kept: null } }).headers).toBeNull()
    expect(edited({ headers: { __proto__: null, constructor: 'x' } }).headers).toEqual({
      tenant: 'eu',
      kept: 7,
      constructor: 'x',
    })
  })

  test('keeps its form: bytes for text are read as UTF-8, text for bytes as its bytes', () => {
    expect(edited({ body: Buffer.from('{"ü":1}') })).toMatchObject({
      payload: '{"ü":1}',
      payloadBase64: null,
    })
    expect(edited({ body: Buffer.from([0, 254]) }, inBytes)).toMatchObject({
      payload: null,
      payloadBase64: Buffer.from([0, 254]).toString('base64'),
    })
    expect(edited({ body: null })).toMatchObject({ payload: null, payloadBase64: null })
  })

  test('need be no JSON where it is said to be something else', () => {
    const xml = { ...row, contentType: 'text/xml' }
    expect(edited({ body: '<a/>' }, xml).payload).toBe('<a/>')
    expect(codeThrownBy(() => edited({ body: '<a/>' }))).toBe('MESSAGE_INVALID')
  })

  test.each<[string, RowEdit]>([
    ['MESSAGE_INVALID', {}],
    ['MESSAGE_INVALID', { headers: {} }],
    ['MESSAGE_INVALID', { body: '{' }],
    ['MESSAGE_INVALID', { body: '' }],
    ['MESSAGE_INVALID', { body: '"\ud800"' }],
    ['MESSAGE_INVALID', { body: Buffer.from([0xff]) }],
    ['MESSAGE_INVALID', { headers: { id: 'x' } }],
    ['MESSAGE_INVALID', { headers: { 'causation-id': null } }],
    ['MESSAGE_INVALID', { headers: { '': 'x' } }],
    ['MESSAGE_INVALID', { headers: { a: 'b\0' } }],
    ['MESSAGE_TOO_LARGE', { body: `"${'x'.repeat(900_000)}"` }],
    ['MESSAGE_TOO_LARGE', { body: '['.repeat(65) + ']'.repeat(65) }],
    ['MESSAGE_TOO_LARGE', { headers: { a: 'x'.repeat(100_001) } }],
  ])('is refused with %s', (code, change) => {
    expect(codeThrownBy(() => edited(change))).toBe(code)
  })

  test('in bytes is refused beyond the limit, too', () => {
    expect(codeThrownBy(() => edited({ body: Buffer.alloc(900_001) }, inBytes))).toBe('MESSAGE_TOO_LARGE')
  })
})
