import { describe, expect, it } from 'vitest'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { readSagaRecord } from '../../../../src/saga/orchestrator/read-saga-record.ts'
import { recordWith } from '../../inbox/records.ts'

const id = '01900000-0000-7000-8000-000000000001'
const sagaId = '01900000-0000-7000-8000-000000000002'
const reply = {
  id,
  type: 'stock.reserve.reply',
  'created-at': '1780000000000000',
  'saga-id': sagaId.toUpperCase(),
  'saga-step': 'reserve',
  'saga-round': '2',
  'saga-direction': 'undo',
  'saga-attempt': '3',
  outcome: 'ok',
}
const start = { saga: 's', version: 1, key: 'k', id: sagaId, input: { a: 1 } }

function read(headers: Record<string, string | undefined>, value: unknown = {}) {
  return readSagaRecord(recordWith({ topic: 't', headers, value }), {
    codec: jsonCodec,
    limits: { ...defaultBodyLimits, bytesMax: 200 },
  })
}

describe('readSagaRecord', () => {
  it('reads a reply, its body as it is', () => {
    expect(read(reply, { any: ['thing'] })).toMatchObject({
      kind: 'reply',
      head: { id, type: 'stock.reserve.reply', createdAtUs: 1_780_000_000_000_000n },
      saga: { id: sagaId, step: 'reserve', round: 2, direction: 'undo', attempt: 3 },
      outcome: 'ok',
      body: { any: ['thing'] },
    })
    expect(read(reply, null)).toMatchObject({ kind: 'reply', body: null })
  })

  it('reads a start', () => {
    expect(read({ id, type: 'saga.start' }, start)).toMatchObject({
      kind: 'start',
      head: { id },
      request: start,
    })
  })

  it('gives a record without an id one of its place, the same each time', () => {
    const [one, two] = [read({ ...reply, id: undefined }), read({ ...reply, id: undefined })]
    expect(one.head.id).toMatch(/^[0-9a-f-]{36}$/)
    expect(two.head.id).toBe(one.head.id)
  })

  it('keeps the id that a record was claimed by', () => {
    const record = recordWith({ topic: 't', headers: { ...reply, id: undefined }, value: {}, timestampMs: 1 })
    const reading = { codec: jsonCodec, limits: defaultBodyLimits, messageId: id }
    expect(readSagaRecord(record, reading).head.id).toBe(id)
    const broken = recordWith({ headers: { ...reply, id: undefined }, value: Buffer.from('{') })
    expect(readSagaRecord(broken, reading)).toMatchObject({ kind: 'unreadable', head: { id } })
  })

  it('asks for the depth of JSON alone', () => {
    const value = Buffer.from('['.repeat(200))
    const bytes = {
      contentType: 'application/x-sealed',
      encode: () => value,
      decode: () => ({ opened: true }),
    }
    const record = recordWith({ topic: 't', headers: reply, value })
    expect(readSagaRecord(record, { codec: bytes, limits: defaultBodyLimits })).toMatchObject({
      kind: 'reply',
      body: { opened: true },
    })
    expect(readSagaRecord(record, { codec: jsonCodec, limits: defaultBodyLimits })).toMatchObject({
      failure: { code: 'MESSAGE_TOO_LARGE' },
    })
  })

  it.each([
    ['no saga', { ...reply, 'saga-id': undefined }, {}],
    ['no step', { ...reply, 'saga-step': undefined }, {}],
    ['no outcome', { ...reply, outcome: undefined }, {}],
    ['a saga id that is none', { ...reply, 'saga-id': 'x' }, {}],
    ['no JSON', reply, Buffer.from('{')],
    ['a start without its key', { id, type: 'saga.start' }, { ...start, key: undefined }],
    ['a start of a later form', { id, type: 'saga.start', version: '2' }, start],
    ['a start without a body', { id, type: 'saga.start' }, null],
  ])('cannot read %s', (_, headers, value) => {
    expect(read(headers, value)).toMatchObject({
      kind: 'unreadable',
      failure: { code: 'MESSAGE_MALFORMED' },
      head: { id: expect.any(String) as string },
    })
  })

  it('refuses a body that is too large before it is parsed', () => {
    expect(read(reply, { text: 'x'.repeat(300) })).toMatchObject({
      kind: 'unreadable',
      failure: { code: 'MESSAGE_TOO_LARGE' },
    })
  })
})
