import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Cause } from '../../../../src/inbox/events/handler-context.ts'
import { outgoingMessages } from '../../../../src/inbox/events/outgoing-messages.ts'
import { newId } from '../../../../src/kernel/ids.ts'
import { event } from '../../../../src/message/event.ts'
import type { Message } from '../../../../src/message/message.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const Noted = event('note.taken', { version: 1, key: (n) => n.id, payload: z.object({ id: z.string() }) })
const note = (id = 'n'): Message => Noted.create({ id })

function causes(count: number): Cause[] {
  return Array.from({ length: count }, (_, n) => ({ id: newId(), topic: `t${n % 2}`, context: {} }))
}

/** What a handler sends that answers each message with as many as its place in the list, in runs of the sizes that are given. */
function sentInRuns(handled: readonly Cause[], sizes: readonly number[]): Message[] {
  let at = 0
  return sizes.flatMap((size) => {
    const batch = handled.slice(at, at + size)
    const outgoing = outgoingMessages(batch, 'g', 'order.placed v1')
    for (const [index, causedBy] of batch.entries())
      for (let n = 0; n <= (at + index) % 3; n++) outgoing.add(note(`${at + index}.${n}`), causedBy)
    at += size
    return outgoing.close()
  })
}

test('ids are the same however the messages are cut into batches, and as one by one (rule A8)', () => {
  const handled = causes(12)
  const [whole, halves, uneven, single] = [[12], [6, 6], [1, 7, 4], Array<number>(12).fill(1)].map((sizes) =>
    sentInRuns(handled, sizes).map(({ id, context, body }) => ({ id, context, body })),
  )
  expect(whole).toHaveLength(24)
  expect(new Set(whole?.map(({ id }) => id)).size).toBe(24)
  for (const cut of [halves, uneven, single]) expect(cut).toEqual(whole)
})

test('nor does it matter in which order the causes are named', () => {
  const handled = causes(2)
  const [one, other] = handled as [Cause, Cause]
  const idsBy = (order: readonly Cause[]): Record<string, string[]> => {
    const outgoing = outgoingMessages(handled, 'g', 'h')
    for (const cause of order) outgoing.add(note(), cause)
    const messages = outgoing.close()
    return Object.fromEntries(
      handled.map(({ id }) => [
        id,
        messages.filter(({ context }) => context.causationId === id).map((message) => message.id),
      ]),
    )
  }
  expect(idsBy([one, other, one])).toEqual(idsBy([other, one, one]))
})

test('a message names its own cause, correlation and trace', () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const [plain] = causes(1)
  const traced: Cause = { id: newId(), topic: 't', context: { correlationId: 'c', traceparent: trace } }
  const outgoing = outgoingMessages([plain as Cause, traced], 'g', 'h')
  outgoing.add(note(), traced)
  // a copy of the message is as good
  outgoing.add(note(), { ...(plain as Cause) })
  expect(outgoing.close().map(({ context }) => context)).toEqual([
    { causationId: traced.id, correlationId: 'c', traceparent: trace },
    { causationId: plain?.id, correlationId: plain?.id },
  ])
})

test('in a batch the cause must be named, and be of the batch', () => {
  const outgoing = outgoingMessages(causes(2), 'g', 'h')
  expect(codeThrownBy(() => outgoing.add(note()))).toBe('HANDLER_FAILED')
  expect(codeThrownBy(() => outgoing.add(note(), causes(1)[0]))).toBe('HANDLER_FAILED')
  expect(outgoing.close()).toEqual([])
})
