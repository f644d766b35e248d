import { expect, test } from 'vitest'
import type { z } from 'zod'
import { type EventSubscription, on } from '../../../../src/inbox/events/event-subscription.ts'
import { eventWork, type EventWorkOptions } from '../../../../src/inbox/events/event-work.ts'
import { onBatch } from '../../../../src/inbox/events/on-batch.ts'
import type { Delivery } from '../../../../src/inbox/record-reader.ts'
import { deriveId } from '../../../../src/kernel/ids.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import type { EventContract } from '../../../../src/message/event.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import type { Message } from '../../../../src/message/message.ts'
import { messageHeaders, recordWith } from '../records.ts'
import { Noted, Placed } from '../engine/engine-of-orders.ts'

const tx = { query: () => Promise.reject(new Error('not asked')) }
const attempt = { attempt: 2, signal: new AbortController().signal }

function workOf(subscription: EventSubscription, options: Partial<EventWorkOptions> = {}) {
  const sent: Message[] = []
  const work = eventWork({
    group: 'g',
    subscriptions: [subscription],
    topicPrefix: 'outbox.event.',
    codec: jsonCodec,
    limits: defaultBodyLimits,
    outbox: {
      enqueue: async (_, messages) => void sent.push(...(Array.isArray(messages) ? messages : [])),
    },
    logger: silentLogger,
    ...options,
  })
  const deliver = (...names: (string | null)[]): Delivery<EventSubscription>[] =>
    names.map((n, offset) => {
      const value = n === null ? null : { n }
      const headers = messageHeaders('order.placed')
      const reading = work.read(recordWith({ offset: BigInt(offset), value, headers }))
      if (reading.kind !== 'message') throw new Error(reading.kind)
      return reading
    })
  return { work, sent, deliver }
}

test('a message goes to its handler with all that it has beside it', async () => {
  const calls: unknown[] = []
  const { work, deliver } = workOf(
    on(Placed, ({ body, offset }, context) => void calls.push({ body, offset, ...context })),
  )
  await work.apply(tx, deliver('a'), attempt)
  expect(calls).toEqual([
    { body: { n: 'a' }, offset: 0n, tx, logger: silentLogger, ...attempt, enqueue: expect.any(Function) },
  ])
})

test('the messages of a batch go to its handler at once, deleted keys in their place', async () => {
  const batches: unknown[] = []
  const subscription = onBatch(
    Placed,
    (messages, { attempt: tries }) => void batches.push([tries, messages.map(({ body }) => body)]),
    { tombstones: true, batchSizeMax: 50 },
  )
  const { work, deliver } = workOf(subscription)
  await work.apply(tx, deliver('a', null, 'b'), attempt)
  expect(batches).toEqual([[2, [{ n: 'a' }, null, { n: 'b' }]]])
  expect(work.batchSizeMax?.(subscription)).toBe(50)
  expect(work.batchSizeMax?.(on(Placed, () => undefined))).toBe(1)
})

test('what a batch sends is named after its causes, as a handler of single messages would name it', async () => {
  const batch = workOf(
    onBatch(Placed, (messages, { enqueue }) => {
      for (const causedBy of messages.toReversed()) enqueue(Noted.create(causedBy.body), { causedBy })
    }),
  )
  const single = workOf(on(Placed, ({ body }, { enqueue }) => enqueue(Noted.create(body))))
  const deliveries = batch.deliver('a', 'b')
  await batch.work.apply(tx, deliveries, attempt)
  for (const delivery of deliveries) await single.work.apply(tx, [delivery], attempt)
  const idsByName = (messages: readonly Message[]) => new Map(messages.map(({ body, id }) => [body, id]))
  expect(batch.sent.map(({ body }) => body)).toEqual([{ n: 'b' }, { n: 'a' }])
  expect(idsByName(batch.sent)).toEqual(new Map([...idsByName(single.sent)].toReversed()))
  const { id, topic } = deliveries[0]!.message
  expect(single.sent[0]?.id).toBe(deriveId(id, 'g', 'order.placed v1', topic, 0))
})

test('middleware is around the handler, sees the messages, and hands a logger inwards', async () => {
  const steps: unknown[] = []
  const own = { ...silentLogger }
  const subscription = on(Placed, (_, { logger }) => void steps.push(logger === own))
  const { work, deliver } = workOf(subscription, {
    middleware: [
      async ({ messages, handler, group }, next) => {
        steps.push([group, handler, messages.map(({ key, partition }) => [key, partition])])
        await next({ logger: own })
        steps.push('after')
      },
    ],
  })
  await work.apply(tx, deliver('a'), attempt)
  expect(steps).toEqual([['g', 'order.placed v1', [['k', 0]]], true, 'after'])
})

test('nothing is sent when the handler or a middleware fails', async () => {
  const failure = new Error('no')
  const sending = on(Placed, (_, { enqueue }) => enqueue(Noted.create({ n: 'x' })))
  const { work, deliver, sent } = workOf(sending, {
    middleware: [(_, next) => next().then(() => Promise.reject(failure))],
  })
  await expect(work.apply(tx, deliver('a'), attempt)).rejects.toBe(failure)
  expect(sent).toEqual([])
})

test('two handlers of one contract are refused, whatever they read at once', () => {
  const contract: EventContract<string, z.ZodType<{ n: string }>> = Placed
  expect(() =>
    workOf(
      on(contract, () => undefined),
      { subscriptions: [on(contract, () => undefined), onBatch(contract, () => undefined)] },
    ),
  ).toThrow(/CONFIG_INVALID.*two of them/)
})
