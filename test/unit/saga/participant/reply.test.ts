import { expect, test } from 'vitest'
import { deriveId } from '../../../../src/kernel/ids.ts'
import type { Codec } from '../../../../src/message/codec.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import type { ReceivedMessage } from '../../../../src/message/message.ts'
import { replyTo } from '../../../../src/saga/participant/reply.ts'
import { restoredReply, storedReply } from '../../../../src/saga/participant/stored-reply.ts'

const saga = {
  id: '0197c5a0-0000-7000-8000-00000000000a',
  name: 'place-order',
  step: 'reserve',
  round: 2,
  direction: 'do',
  attempt: 3,
} as const
const reserve: ReceivedMessage = {
  id: '0197c5a0-0000-7000-8000-000000000001',
  aggregateType: 'stock.command',
  key: 'o1',
  type: 'stock.reserve',
  version: 4,
  body: {},
  headers: { tenant: 'acme' },
  context: { saga, replyTo: 'orchestrator.reply', correlationId: 'c1', traceparent: 't', tracestate: 's' },
  topic: 'outbox.event.stock.command',
  partition: 0,
  offset: 0n,
}

test('a reply goes back to the saga as it came', () => {
  expect(replyTo(reserve, { outcome: 'rejected.outOfStock', body: { left: 0 } })).toEqual({
    id: deriveId(reserve.id, 'reply'),
    aggregateType: 'orchestrator.reply',
    key: saga.id,
    type: 'stock.reserve.reply',
    version: 4,
    body: { left: 0 },
    headers: {},
    context: {
      saga,
      outcome: 'rejected.outOfStock',
      correlationId: saga.id,
      causationId: reserve.id,
      traceparent: 't',
      tracestate: 's',
    },
  })
})

test('a command of no saga is answered under its own key, one without reply-to not at all', () => {
  const alone = { ...reserve, context: { replyTo: 'shop.reply' } }
  expect(replyTo(alone, { outcome: 'ok', body: {} })).toMatchObject({
    key: 'o1',
    context: { correlationId: reserve.id, causationId: reserve.id, outcome: 'ok' },
  })
  expect(replyTo({ ...reserve, context: { saga } }, { outcome: 'ok', body: {} })).toBeUndefined()
})

test('a body is stored as the codec encodes it, and comes back', () => {
  const binary: Codec = {
    contentType: 'application/octet-stream',
    encode: (body) => Buffer.from(Buffer.from(JSON.stringify(body)).map((byte) => byte ^ 0xff)),
    decode: (bytes) => JSON.parse(Buffer.from(bytes.map((byte) => byte ^ 0xff)).toString()) as unknown,
  }
  for (const codec of [jsonCodec, binary])
    for (const body of [{ a: 'ü' }, null, [], 'text', 0, false])
      expect(restoredReply(storedReply(body, codec, 'x'), codec, 'x')).toEqual(body)
  expect(storedReply({ a: 1 }, jsonCodec, 'x')).toEqual({ text: '{"a":1}' })
  expect(storedReply({ a: 1 }, binary, 'x')).toEqual({ bytes: expect.any(Buffer) })
  expect(storedReply(null, jsonCodec, 'x')).toEqual({})
})
