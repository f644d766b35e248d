import { expect, test } from 'vitest'
import { z } from 'zod'
import { outgoingMessages } from '../../../../src/inbox/events/outgoing-messages.ts'
import { event } from '../../../../src/message/event.ts'
import type { Message, ReceivedMessage } from '../../../../src/message/message.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const Noted = event('note.taken', { version: 1, key: (n) => n.id, payload: z.object({ id: z.string() }) })

const incoming: ReceivedMessage = {
  id: '0197c5a0-0000-7000-8000-000000000001',
  aggregateType: 'order',
  key: 'o1',
  type: 'order.placed',
  version: 1,
  body: {},
  headers: {},
  context: {},
  topic: 'outbox.event.order',
  partition: 0,
  offset: 0n,
}

function sent(from: ReceivedMessage, group: string, handler: string, count = 1): readonly Message[] {
  const outgoing = outgoingMessages([from], group, handler)
  for (let n = 0; n < count; n++) outgoing.add(Noted.create({ id: String(n) }))
  return outgoing.close()
}

const idsOf = (messages: readonly Message[]): string[] => messages.map(({ id }) => id)

test('the same work again names its messages the same', () => {
  expect(idsOf(sent(incoming, 'billing', 'order.placed v1', 3))).toEqual(
    idsOf(sent({ ...incoming, offset: 9n }, 'billing', 'order.placed v1', 3)),
  )
})

test('two groups, handlers, sources or messages never give the same id (rule A8)', () => {
  const ids = [
    ...idsOf(sent(incoming, 'billing', 'order.placed v1', 2)),
    ...idsOf(sent(incoming, 'sales', 'order.placed v1', 2)),
    ...idsOf(sent(incoming, 'billing', 'order.placed v2', 2)),
    ...idsOf(sent({ ...incoming, topic: 'other' }, 'billing', 'order.placed v1', 2)),
    ...idsOf(
      sent({ ...incoming, id: '0197c5a0-0000-7000-8000-000000000002' }, 'billing', 'order.placed v1', 2),
    ),
  ]
  expect(new Set(ids).size).toBe(10)
})

test('cause, correlation and trace come from the incoming message', () => {
  const context = {
    correlationId: 'c1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 's=1',
  }
  expect(sent(incoming, 'g', 'h')[0]?.context).toEqual({
    causationId: incoming.id,
    correlationId: incoming.id,
  })
  expect(sent({ ...incoming, context }, 'g', 'h')[0]?.context).toEqual({
    ...context,
    causationId: incoming.id,
  })
})

test('what the handler says itself wins, but for the id', () => {
  const outgoing = outgoingMessages([incoming], 'g', 'h')
  const own = Noted.create({ id: 'n' }, { context: { correlationId: 'mine' }, headers: { tenant: 'acme' } })
  outgoing.add([own])
  const [message] = outgoing.close()
  expect(message).toMatchObject({
    headers: { tenant: 'acme' },
    context: { correlationId: 'mine' },
    body: { id: 'n' },
  })
  expect(message?.id).not.toBe(own.id)
})

test('nothing is added, and lost, after the end', () => {
  const outgoing = outgoingMessages([incoming], 'g', 'h')
  outgoing.close()
  expect(codeThrownBy(() => outgoing.add(Noted.create({ id: 'n' })))).toBe('HANDLER_FAILED')
})

test('a tracer that knows where the handler stands wins over the trace of the message, with both its headers', () => {
  const [first, second] = [1, 2].map((n) => `00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333${n}-01`)
  const traced = { ...incoming, context: { traceparent: first as string, tracestate: 's=1' } }
  const contextOf = (source: () => { traceparent?: string }) => {
    const outgoing = outgoingMessages([traced], 'g', 'h', source)
    outgoing.add(Noted.create({ id: 'n' }))
    const { traceparent, tracestate } = outgoing.close()[0]?.context ?? {}
    return { traceparent, tracestate }
  }
  expect(contextOf(() => ({ traceparent: second as string }))).toEqual({ traceparent: second })
  expect(contextOf(() => ({}))).toEqual(traced.context)
})
