import { expect, test } from 'vitest'
import { z } from 'zod'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { command } from '../../../../src/message/command.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { handle } from '../../../../src/saga/participant/command-handler.ts'
import { commandReader } from '../../../../src/saga/participant/command-reader.ts'
import { messageHeaders, recordWith } from '../../inbox/records.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const Ship = command('shipping.ship', {
  version: 1,
  key: (r) => r.orderId,
  request: z.object({ orderId: z.string() }),
  ok: z.object({}),
})
const shipping = handle(Ship, (_, { ok }) => ok({}))
const saga = {
  'saga-id': '0197c5a0-0000-7000-8000-000000000001',
  'saga-name': 'place-order',
  'saga-step': 'ship',
}

const readerOf = (service: string, handlers = [shipping]) =>
  commandReader({
    service,
    handlers,
    topicPrefix: 'outbox.event.',
    codec: jsonCodec,
    limits: defaultBodyLimits,
  })

function codeOf(type: string, headers: Record<string, string | undefined>): string {
  const reading = readerOf('shipping')(
    recordWith({
      topic: 'outbox.event.shipping.command',
      value: { orderId: 'o1' },
      headers: messageHeaders(type, headers),
    }),
  )
  return reading.kind === 'unreadable' ? reading.error.code : reading.kind
}

test('a command is read, with or without a saga', () => {
  expect(codeOf('shipping.ship', {})).toBe('message')
  expect(codeOf('shipping.ship', { ...saga, 'reply-to': 'orchestrator.reply' })).toBe('message')
})

test('a command without a handler is a dead letter, in an unknown version too', () => {
  expect(codeOf('shipping.return', saga)).toBe('HANDLER_MISSING')
  expect(codeOf('shipping.ship', { ...saga, version: '2' })).toBe('HANDLER_MISSING')
})

test('so is one that could not be recorded or answered', () => {
  expect(codeOf('shipping.ship', { ...saga, 'saga-step': undefined })).toBe('MESSAGE_MALFORMED')
  expect(codeOf('shipping.ship', { ...saga, 'saga-step': 's'.repeat(501) })).toBe('MESSAGE_MALFORMED')
  expect(codeOf('shipping.ship', { ...saga, 'reply-to': 'no topic at all' })).toBe('MESSAGE_MALFORMED')
})

test('handlers of another service, and two of one contract, are refused', () => {
  expect(codeThrownBy(() => readerOf('stock'))).toBe('CONFIG_INVALID')
  expect(codeThrownBy(() => readerOf('shipping', [shipping, shipping]))).toBe('CONFIG_INVALID')
})
