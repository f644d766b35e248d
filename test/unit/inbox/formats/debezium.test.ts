import { expect, test } from 'vitest'
import { z } from 'zod'
import { debezium } from '../../../../src/inbox/formats/debezium.ts'
import { newId } from '../../../../src/kernel/ids.ts'
import { recordWith } from '../records.ts'
import { placed, readAs } from './read-as.ts'

const id = newId()
const body = { orderId: 'o1', total: 5 }
const text = JSON.stringify(body)
const schema = { type: 'string', optional: false, name: 'io.debezium.data.Json', version: 1 }
const structSchema = { type: 'struct', fields: [], optional: false }

test.each<[string, unknown]>([
  ['a JSON text in quotes', text],
  ['expanded JSON', body],
  ['a JSON text beside its schema', { schema, payload: text }],
  ['expanded JSON beside its schema', { schema: structSchema, payload: body }],
  ['bytes beside their schema', { schema: { type: 'bytes' }, payload: Buffer.from(text).toString('base64') }],
])('the payload may be %s', (_, value) => {
  expect(readAs(recordWith({ value, headers: { id } }), debezium())).toMatchObject({ id, body, key: 'k' })
})

test('a body that is a text is in quotes twice', () => {
  const noted = { ...placed, schema: z.string() }
  const value = JSON.stringify('a text')
  expect(readAs(recordWith({ value, headers: { id } }), debezium(), [noted])).toMatchObject({
    body: 'a text',
  })
})

test('keys and headers went through the converter too', () => {
  const connected = (payload: string) => JSON.stringify({ schema: { type: 'string' }, payload })
  const headers = {
    id: JSON.stringify(id),
    type: connected('order.placed'),
    version: '1',
    note: connected('ü'),
  }
  for (const key of ['o-1', '"o-1"', connected('o-1')])
    expect(readAs(recordWith({ key, value: body, headers }), debezium())).toMatchObject({
      id,
      key: 'o-1',
      type: 'order.placed',
      headers: { note: 'ü' },
    })
  expect(readAs(recordWith({ key: '{"a": 1}', value: body, headers }), debezium())).toMatchObject({
    key: '{"a": 1}',
  })
  expect(readAs(recordWith({ key: '{not', value: body, headers }), debezium())).toMatchObject({ key: '{not' })
})

test('the type may have another name, in a header or in the envelope', () => {
  const format = { type: 'eventType', version: 'eventVersion' }
  const other = { ...placed, type: 'order.shipped', target: 'other' }
  const inHeader = recordWith({ value: text, headers: { id, eventType: 'order.placed', eventVersion: '1' } })
  expect(readAs(inHeader, debezium(format), [placed, other])).toMatchObject({ type: 'order.placed', body })
  const envelope = { payload: text, eventType: 'order.placed', eventVersion: 1, region: 'north', gone: null }
  for (const value of [envelope, { schema: structSchema, payload: envelope }])
    expect(
      readAs(recordWith({ value, headers: { id } }), debezium({ ...format, envelope: true }), [
        placed,
        other,
      ]),
    ).toMatchObject({ type: 'order.placed', body, headers: { region: 'north' } })
})

test('headers of columns that are null are absent', () => {
  const headers = { id, 'saga-id': '', 'saga-round': '', traceparent: '', 'expires-at': '' }
  expect(readAs(recordWith({ value: text, headers }), debezium())).toMatchObject({ id, body, context: {} })
})

test('a payload of null deletes its key, wrapped or not', () => {
  const takes = { ...placed, takesTombstones: true }
  for (const value of [null, { schema: null, payload: null }, { schema, payload: null }]) {
    expect(readAs(recordWith({ value, headers: { id } }), debezium(), [takes])).toMatchObject({ body: null })
    expect(readAs(recordWith({ value, headers: { id } }), debezium())).toBe('skipped')
  }
})

test.each<[string, Buffer | string, string]>([
  ['no JSON', Buffer.from('{'), 'MESSAGE_MALFORMED'],
  ['a text that holds no JSON', '{"orderId":', 'MESSAGE_MALFORMED'],
  ['a text that is nested too deep', '['.repeat(5_000), 'MESSAGE_TOO_LARGE'],
  ['a value that is nested too deep', Buffer.from('['.repeat(5_000)), 'MESSAGE_TOO_LARGE'],
  ['too many bytes', 'x'.repeat(20_001), 'MESSAGE_TOO_LARGE'],
])('%s is unreadable', (_, value, code) => {
  expect(readAs(recordWith({ value, headers: { id } }), debezium())).toMatchObject({ code })
})
