import { expect, test } from 'vitest'
import { z } from 'zod'
import { deriveId, newId } from '../../../../src/kernel/ids.ts'
import { recordWith } from '../records.ts'
import { placed, readAs } from './read-as.ts'

const body = { orderId: 'o1', total: 5 }
const attributes = {
  specversion: '1.0',
  id: 'A234-1234-1234',
  source: '/shop/checkout',
  type: 'order.placed',
  time: '2026-05-28T20:26:40.123456Z',
  subject: 'o1',
}
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const prefixed = (fields: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(fields).map(([name, text]) => [`ce_${name}`, text]))
const binary = (more: Readonly<Record<string, string | undefined>> = {}, value: unknown = body) =>
  recordWith({
    key: 'o1',
    value,
    headers: { ...prefixed(attributes), 'content-type': 'application/json', ...more },
  })
const structured = (more: object = {}, contentType = 'application/cloudevents+json; charset=UTF-8') =>
  recordWith({
    key: 'o1',
    value: { ...attributes, data: body, ...more },
    headers: { 'content-type': contentType },
  })

const id = deriveId('00000000-0000-8000-8000-000000000000', 'cloudevents', attributes.source, attributes.id)

test('both modes give the same message', () => {
  const message = {
    id,
    type: 'order.placed',
    version: 1,
    key: 'o1',
    body,
    headers: prefixed(attributes),
    context: {},
    createdAtUs: 1_780_000_000_123_456n,
  }
  expect(readAs(binary())).toMatchObject(message)
  expect(readAs(structured())).toMatchObject(message)
  expect(readAs(structured({ datacontenttype: 'application/vnd.order+json' }))).toMatchObject({ body })
  expect(readAs(binary({ 'content-type': 'application/vnd.order+json' }))).toMatchObject({ body })
  expect(readAs(binary({ 'content-type': undefined }))).toMatchObject({ body })
})

test('source and id name an event together', () => {
  const uuid = newId()
  const idsOf = (...all: Parameters<typeof binary>[0][]) =>
    all.map((more) => {
      const reading = readAs(binary(more))
      return typeof reading === 'object' && 'id' in reading ? reading.id : undefined
    })
  const [one, again, forwarded, timed, untimed] = idsOf(
    { ce_id: uuid },
    { ce_id: uuid, ce_subject: 'other' },
    { ce_id: uuid, ce_source: '/mirror' },
    { ce_time: '2027-01-01T00:00:00Z', ce_id: 'made anew' },
    { ce_time: undefined, ce_id: 'made anew' },
  )
  expect(again).toBe(one)
  expect(forwarded).not.toBe(one)
  expect(one?.slice(0, 13)).toBe(uuid.slice(0, 13))
  expect(timed).toBe(untimed)
  expect(untimed).toMatch(/^00000000-0000-8/)
})

test('extensions carry the trace and the process', () => {
  const more = { ce_traceparent: trace, ce_correlationid: 'c1', ce_causationid: 'm1' }
  const context = { traceparent: trace, correlationId: 'c1', causationId: 'm1' }
  expect(readAs(binary(more))).toMatchObject({ context })
  expect(readAs(structured({ traceparent: trace, correlationid: 'c1', causationid: 'm1' }))).toMatchObject({
    context,
  })
  // the header that a tracer wrote on the way is the later one
  const later = trace.replace('b7ad', 'c7ad')
  expect(readAs(binary({ ...more, traceparent: later }))).toMatchObject({ context: { traceparent: later } })
})

test('data may be bytes in base64, or a text of another kind that the codec refuses', () => {
  const base64 = Buffer.from(JSON.stringify(body)).toString('base64')
  expect(readAs(structured({ data: undefined, data_base64: base64 }))).toMatchObject({ body })
  expect(readAs(structured({ data: '<o/>', datacontenttype: 'text/xml' }))).toMatchObject({
    code: 'MESSAGE_MALFORMED',
    reason: expect.stringContaining('text/xml'),
  })
})

test('an event without data is none of a deleted key', () => {
  const optional = { ...placed, schema: z.object({}).optional(), takesTombstones: true }
  for (const record of [structured({ data: undefined }), structured({ data: null })]) {
    expect(readAs(record, undefined, [optional])).toMatchObject({ id, body: undefined })
    expect(readAs(record)).toMatchObject({ code: 'MESSAGE_MALFORMED' })
  }
  expect(readAs(binary({ 'content-type': undefined }, Buffer.alloc(0)), undefined, [optional])).toMatchObject(
    {
      body: undefined,
    },
  )
  expect(readAs(binary({}, null), undefined, [optional])).toMatchObject({ id, body: null })
  expect(readAs(binary({}, null))).toBe('skipped')
})

test('events of types that nobody wants are passed over', () => {
  expect(readAs(binary({ ce_type: 'order.cancelled', ce_id: undefined }))).toBe('skipped')
  expect(readAs(structured({ type: 'order.cancelled' }))).toBe('skipped')
})

test('a record of ours may say in headers what it is as a CloudEvent', () => {
  const record = binary({ id: newId(), type: 'order.placed', ce_type: 'com.shop.order.placed' })
  expect(readAs(record)).toMatchObject({
    type: 'order.placed',
    body,
    headers: { ce_type: 'com.shop.order.placed' },
  })
})

test('times of all zones are understood, and what is no time is left out', () => {
  const at = (time: string) => readAs(binary({ ce_time: time }))
  expect(at('2026-05-28t22:26:40+02:00')).toMatchObject({ createdAtUs: 1_780_000_000_000_000n })
  expect(at('1969-12-31T23:59:59.999999Z')).toMatchObject({ createdAtUs: -1n })
  for (const time of ['yesterday', '2026-05-28', '2026-99-99T00:00:00Z', ''])
    expect(at(time)).not.toHaveProperty('createdAtUs')
})

test.each<[string, ReturnType<typeof binary>, string]>([
  ['another version', binary({ ce_specversion: '0.3' }), 'specversion'],
  ['no id', binary({ ce_id: undefined }), 'its attribute id is missing'],
  ['no source', structured({ source: undefined }), 'its attribute source is missing'],
  ['a NUL in the id', binary({ ce_id: 'a\0b' }), String.raw`its attribute id holds "a\u0000b"`],
  ['the Avro format', structured({}, 'application/cloudevents+avro'), 'application/cloudevents+avro'],
  ['a batch', structured({}, 'application/cloudevents-batch+json'), 'cloudevents-batch'],
  [
    'no object',
    recordWith({ value: [1], headers: { 'content-type': 'application/cloudevents+json' } }),
    'no JSON',
  ],
  [
    'no JSON',
    recordWith({ value: Buffer.from('{'), headers: { 'content-type': 'application/cloudevents+json' } }),
    '',
  ],
  ['no value', recordWith({ headers: { 'content-type': 'application/cloudevents+json' } }), 'no JSON object'],
  ['an attribute of several values', structured({ subject: { a: 1 } }), '"subject" is no single value'],
])('%s is malformed', (_, record, says) => {
  const reading = readAs(record)
  expect(reading).toMatchObject({ code: 'MESSAGE_MALFORMED' })
  expect(typeof reading === 'object' && 'reason' in reading && reading.reason).toContain(says)
})

test('a structured event has the limits of any other value', () => {
  const deep = Buffer.from(`{"data":${'['.repeat(5_000)}`)
  const headers = { 'content-type': 'application/cloudevents+json' }
  expect(readAs(recordWith({ value: deep, headers }))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
  expect(readAs(recordWith({ value: Buffer.alloc(20_001), headers }))).toMatchObject({
    code: 'MESSAGE_TOO_LARGE',
  })
})

test('an attribute named __proto__ is a header like any other', () => {
  const value = Buffer.from(JSON.stringify({ ...attributes, data: body }).replace('{', '{"__proto__":"x",'))
  const reading = readAs(recordWith({ value, headers: { 'content-type': 'application/cloudevents+json' } }))
  expect(reading).toMatchObject({ body })
  expect(typeof reading === 'object' && 'headers' in reading && Object.keys(reading.headers)).toContain(
    'ce___proto__',
  )
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})
