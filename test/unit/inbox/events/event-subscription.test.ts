import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import { event } from '../../../../src/message/event.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (o) => o.orderId,
  payload: z.object({ orderId: z.string(), at: z.string().transform((text) => text.length) }),
})

test('the handler is typed from the contract', () => {
  const subscription = on(Placed, ({ body, headers, id }, { tx, enqueue, attempt, signal }) => {
    expectTypeOf(body).toEqualTypeOf<{ orderId: string; at: number }>()
    expectTypeOf(headers).toEqualTypeOf<Readonly<Record<string, string>>>()
    expectTypeOf(id).toEqualTypeOf<string>()
    expectTypeOf(attempt).toEqualTypeOf<number>()
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
    // @ts-expect-error the payload has no such field
    void body.total
    // @ts-expect-error a message, not a body
    enqueue({ orderId: 'o1' })
    void tx.query('select 1')
  })
  expect(subscription.contract).toBe(Placed)
  // @ts-expect-error a handler takes the message of its contract
  on(Placed, ({ body }: { body: { total: number } }) => void body.total)
  on(Placed, () => undefined, {
    tombstone: ({ body, key }) => {
      expectTypeOf(body).toEqualTypeOf<null>()
      expectTypeOf(key).toEqualTypeOf<string>()
    },
  })
})
