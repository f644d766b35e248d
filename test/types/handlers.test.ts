import {
  type ConsumerOptions,
  event,
  type EventSubscription,
  type HandlerCall,
  type Logger,
  type Message,
  type Middleware,
  on,
  onBatch,
  type ReceivedEvent,
  type ReceivedTombstone,
  type SqlExecutor,
  upcast,
} from 'backstitch'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

// `tsc` checks this file: a line under `@ts-expect-error` that compiles is an error.
const V1 = event('order.placed', {
  version: 1,
  key: (order) => order.orderId,
  payload: z.object({ orderId: z.string(), total: z.int() }),
})
const V2 = event('order.placed', {
  version: 2,
  key: (order) => order.orderId,
  payload: z.object({ orderId: z.string(), total: z.int(), currency: z.string().default('EUR') }),
})
type V1Body = { orderId: string; total: number }
type V2Body = { orderId: string; total: number; currency: string }
const note = V1.create({ orderId: 'o', total: 1 })

test('a handler of batches has the bodies of its contract', () => {
  const subscription = onBatch(V2, async (messages, { tx, enqueue, signal, logger, attempt }) => {
    expectTypeOf(messages).toEqualTypeOf<readonly ReceivedEvent<V2Body>[]>()
    expectTypeOf(tx).toEqualTypeOf<SqlExecutor>()
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
    expectTypeOf(logger).toEqualTypeOf<Logger>()
    expectTypeOf(attempt).toEqualTypeOf<number>()
    for (const message of messages) {
      enqueue(V1.create(message.body), { causedBy: message })
      enqueue([note, note], { causedBy: message })
      // @ts-expect-error a message of a batch names its cause
      enqueue(note)
      // @ts-expect-error the cause is a message
      enqueue(note, { causedBy: message.id })
      // @ts-expect-error the payload has no such field
      void message.body.price
    }
  })
  expectTypeOf(subscription).toEqualTypeOf<EventSubscription>()
  expect(subscription).toMatchObject({ kind: 'batch', batchSizeMax: 500, takesTombstones: false })
})

test('tombstones are among the messages of a batch only where they were asked for', () => {
  const options = { batchSizeMax: 50, tombstones: true } as const
  const subscription = onBatch(
    V1,
    (messages) => {
      expectTypeOf(messages).toEqualTypeOf<readonly (ReceivedEvent<V1Body> | ReceivedTombstone)[]>()
      for (const { body } of messages) {
        // @ts-expect-error there may be none
        void body.total
        if (body !== null) expectTypeOf(body).toEqualTypeOf<V1Body>()
      }
    },
    options,
  )
  expect(subscription).toMatchObject({ batchSizeMax: 50, takesTombstones: true })
  onBatch(V1, (messages) => void messages.map(({ body }) => body.total), { tombstones: false })
})

test('a handler of one message needs to name no cause, and has no other', () => {
  on(V1, (message, { enqueue }) => {
    enqueue(note)
    // @ts-expect-error it is the message
    enqueue(note, { causedBy: message })
  })
  on(V1, () => undefined, { order: 'none', topic: 'legacy.orders' })
  // @ts-expect-error there is no such order
  on(V1, () => undefined, { order: 'partition' })
  // @ts-expect-error a contract is needed
  on('order.placed', () => undefined)
  // @ts-expect-error tombstones of single messages have a handler of their own
  on(V1, () => undefined, { tombstones: true })
})

test('an upcaster takes what the older contract gives, and gives what the newer one takes', () => {
  const upcaster = upcast(V1, V2, (body, message) => {
    expectTypeOf(body).toEqualTypeOf<V1Body>()
    expectTypeOf(message).toEqualTypeOf<ReceivedEvent<V1Body>>()
    return body // the default of the schema fills in the currency
  })
  expect(upcaster).toMatchObject({ from: V1, to: V2 })
  // @ts-expect-error the total is missing
  upcast(V1, V2, ({ orderId }) => ({ orderId }))
  // @ts-expect-error it waits for nothing
  upcast(V1, V2, async (body) => body)
})

test('middleware sees messages of any contract', () => {
  const middleware: Middleware = async ({ messages, tx, attempt, handler, group }, next) => {
    expectTypeOf(messages).toEqualTypeOf<readonly (ReceivedEvent | ReceivedTombstone)[]>()
    expectTypeOf(tx).toEqualTypeOf<SqlExecutor>()
    expectTypeOf(attempt).toEqualTypeOf<number>()
    expectTypeOf([handler, group]).toEqualTypeOf<string[]>()
    const { headers, key, topic, partition, offset } = messages[0] as ReceivedEvent
    expectTypeOf({ key, topic, partition, offset }).toEqualTypeOf<{
      key: string
      topic: string
      partition: number
      offset: bigint
    }>()
    expectTypeOf(headers).toEqualTypeOf<Readonly<Record<string, string>>>()
    await next()
  }
  expectTypeOf<Parameters<Middleware>[0]>().toEqualTypeOf<HandlerCall>()
  // @ts-expect-error what is not waited for cannot be given
  const wrong: Middleware = (_, next) => next
  expect([middleware, wrong]).toHaveLength(2)
})

test('a consumer takes them all', () => {
  type Options = ConsumerOptions
  expectTypeOf<NonNullable<Options['middleware']>>().toEqualTypeOf<readonly Middleware[]>()
  expectTypeOf<Options['handlers']>().toEqualTypeOf<readonly EventSubscription[]>()
  const handled: Message = note
  expect(handled.type).toBe('order.placed')
})
