import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { command } from '../../../../src/message/command.ts'
import { handle } from '../../../../src/saga/participant/command-handler.ts'
import { outcomeMakers } from '../../../../src/saga/participant/command-outcome.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const Reserve = command('stock.reserve', {
  version: 1,
  key: (r) => r.orderId,
  request: z.object({ orderId: z.string() }),
  ok: z.object({ reservationId: z.string() }),
  rejected: { outOfStock: z.object({ sku: z.string(), left: z.int() }) },
})
const Ship = command('shipping.ship', {
  version: 1,
  key: (r) => r.orderId,
  request: z.object({ orderId: z.string() }),
  ok: z.object({ trackingNumber: z.string() }),
})

test('request and outcomes are typed from the contract', () => {
  handle(Reserve, async ({ orderId }, { ok, rejected, saga, tx }) => {
    expectTypeOf(orderId).toEqualTypeOf<string>()
    expectTypeOf(saga?.round).toEqualTypeOf<number | undefined>()
    await tx.query('select 1')
    // @ts-expect-error the contract’s ok has another body
    if (orderId === '1') return ok({ trackingNumber: 't' })
    // @ts-expect-error the contract has no such rejection
    if (orderId === '2') return rejected.tooLate({})
    // @ts-expect-error the rejection has another body
    if (orderId === '3') return rejected.outOfStock({ sku: 's' })
    return orderId === '4' ? ok({ reservationId: 'r' }) : rejected.outOfStock({ sku: 's', left: 0 })
  })
  handle(Ship, (_, { ok, rejected }) => {
    // @ts-expect-error a command without rejections cannot be refused
    void rejected.outOfStock
    return ok({ trackingNumber: 't' })
  })
  // @ts-expect-error a handler must return an outcome
  handle(Ship, async () => undefined)
})

test('bodies are validated when they are made', () => {
  const { ok, rejected } = outcomeMakers(Reserve)
  expect(ok({ reservationId: 'r', more: 1 })).toEqual({ kind: 'ok', body: { reservationId: 'r' } })
  expect(codeThrownBy(() => ok({}))).toBe('MESSAGE_INVALID')
  expect(rejected['outOfStock']?.({ sku: 's', left: 0 })).toMatchObject({
    kind: 'rejected',
    name: 'outOfStock',
  })
  expect(codeThrownBy(() => rejected['outOfStock']?.({ sku: 's', left: 0.5 }))).toBe('MESSAGE_INVALID')
})

test('only an outcome of this very call is taken', () => {
  const { ok, checked } = outcomeMakers(Reserve)
  const outcome = ok({ reservationId: 'r' })
  expect(checked(outcome)).toBe(outcome)
  for (const other of [
    undefined,
    null,
    true,
    { ...outcome },
    outcomeMakers(Ship).ok({ trackingNumber: 't' }),
  ])
    expect(codeThrownBy(() => checked(other))).toBe('HANDLER_RESULT_INVALID')
})
