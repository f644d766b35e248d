import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type { CallerTransaction } from '../../src/kernel/caller-transaction.ts'
import type { CommandContract } from '../../src/message/command.ts'
import { sagaBuilder } from '../../src/saga/definition/saga-builder.ts'
import type { SagaDefinition } from '../../src/saga/definition/saga-definition.ts'
import { createSagaBuilder } from '../../src/saga/definition/startable-saga.ts'
import { charge, refusal, reserve, saga, ship } from './shop-saga.ts'
import { ChargeCard, Order, ReleaseStock, ReserveStock, ShipOrder } from './shop-contracts.ts'

// `tsc` checks these files: a line under `@ts-expect-error` that compiles is an error. What the types refuse is refused at run time as well,
// where JavaScript can get so far.

describe('what a definition infers', () => {
  test('the input, the results of exactly the earlier steps, and the request of each command', () => {
    const definition = saga()
      .step('reserve', {
        send: ReserveStock,
        with: ({ input, done }) => {
          expectTypeOf(input).toEqualTypeOf<z.output<typeof Order>>()
          expectTypeOf<keyof typeof done>().toEqualTypeOf<never>()
          return { orderId: input.orderId, sku: input.sku }
        },
        undo: {
          send: ReleaseStock,
          with: ({ input, request, result }) => {
            expectTypeOf(input).toEqualTypeOf<z.output<typeof Order>>()
            expectTypeOf(request).toEqualTypeOf<{ orderId: string; sku: string; quantity: number }>()
            expectTypeOf(result).toEqualTypeOf<{ reservationId: string } | undefined>()
            return { orderId: request.orderId, reservationId: result?.reservationId }
          },
          timeout: '1m',
          retry: { attemptsMax: 20 },
        },
        timeout: '10s',
        retry: { attemptsMax: 3, backoff: { initialMs: 1_000 } },
      })
      .pivot('charge', {
        send: ChargeCard,
        with: ({ input, done }) => {
          expectTypeOf<keyof typeof done>().toEqualTypeOf<'reserve'>()
          expectTypeOf(done.reserve).toEqualTypeOf<{ reservationId: string }>()
          return { orderId: input.orderId, amount: input.total }
        },
      })
      .retriable('ship', {
        send: ShipOrder,
        with: ({ input, done }) => {
          expectTypeOf<keyof typeof done>().toEqualTypeOf<'reserve' | 'charge'>()
          expectTypeOf(done.charge.paymentId).toEqualTypeOf<string>()
          return { orderId: input.orderId, reservationId: done.reserve.reservationId }
        },
      })
      .build()
    expectTypeOf(definition).toEqualTypeOf<SagaDefinition<typeof Order>>()
    expect(definition.steps.map(({ name }) => name)).toEqual(['reserve', 'charge', 'ship'])
  })

  test('the members of a request, so that an editor completes them and a literal keeps its type', () => {
    const shipping = saga()
      .pivot('charge', charge)
      .retriable('ship', {
        send: ShipOrder,
        with: ({ input }) => ({ orderId: input.orderId, reservationId: 'r', speed: 'fast' }),
      })
    const rapid = saga()
      .pivot('charge', charge)
      .retriable('ship', {
        send: ShipOrder,
        // @ts-expect-error there is no such speed
        with: ({ input }) => ({ orderId: input.orderId, reservationId: 'r', speed: 'rapid' }),
      })
    expect([refusal(() => shipping.build()), refusal(() => rapid.build())]).toEqual(['built', 'built'])
  })

  test('definitions of different inputs are one type', () => {
    const definition = saga().step('reserve', reserve).build()
    const list: readonly SagaDefinition[] = [definition]
    expect(list).toHaveLength(1)
  })

  test('a saga of compensatable steps alone is built, and so is one that begins or ends with its pivot', () => {
    expect(refusal(() => saga().step('reserve', reserve).build())).toBe('built')
    expect(refusal(() => saga().pivot('charge', charge).build())).toBe('built')
  })

  test('a start takes what the schema takes, and gives what the starter tells', async () => {
    const begin = createSagaBuilder(async (_definition, _tx, inputs) => inputs.map((input) => ({ input })))
    const placeOrder = begin('place-order', { version: 1, input: Order, key: (order) => order.orderId })
      .step('reserve', reserve)
      .build()
    const tx: CallerTransaction = { query: () => undefined }
    const started = await placeOrder.start(tx, { orderId: 'o', sku: 's', total: 1 })
    expectTypeOf(started).toEqualTypeOf<{ input: unknown }>()
    // @ts-expect-error the total is missing
    await placeOrder.start(tx, { orderId: 'o', sku: 's' })
    // @ts-expect-error the total is no number
    await placeOrder.startMany(tx, [{ orderId: 'o', sku: 's', total: '1' }])
    // @ts-expect-error no transaction
    await placeOrder.start('tx', { orderId: 'o', sku: 's', total: 1 })
    // @ts-expect-error what the pure builder makes cannot be started
    expect(saga().step('reserve', reserve).build().start).toBeUndefined()
  })
})

describe('what a definition forbids', () => {
  const invalid = 'SAGA_DEFINITION_INVALID'

  test('a compensatable step after the pivot', () => {
    const pivoted = saga().pivot('charge', charge)
    // @ts-expect-error only retriable steps follow the pivot
    expect(refusal(() => pivoted.step('reserve', reserve).build())).toBe(invalid)
    const onward = pivoted.retriable('ship', ship)
    // @ts-expect-error nor after a retriable step
    expect(refusal(() => onward.step('reserve', reserve).build())).toBe(invalid)
  })

  test('a second pivot', () => {
    // @ts-expect-error there is one point of no return
    expect(refusal(() => saga().pivot('charge', charge).pivot('again', charge).build())).toBe(invalid)
    const onward = saga().pivot('charge', charge).retriable('ship', ship)
    // @ts-expect-error nor after a retriable step
    expect(refusal(() => onward.pivot('again', charge).build())).toBe(invalid)
  })

  test('a retriable step before a pivot', () => {
    // @ts-expect-error a saga does not begin with it
    expect(refusal(() => saga().retriable('ship', ship).build())).toBe(invalid)
    // @ts-expect-error nor does it follow a compensatable step
    expect(refusal(() => saga().step('reserve', reserve).retriable('ship', ship).build())).toBe(invalid)
  })

  test('a retriable step whose command can be rejected', () => {
    const pivoted = saga().pivot('charge', charge)
    // @ts-expect-error stock may refuse
    expect(refusal(() => pivoted.retriable('reserve', reserve).build())).toBe(invalid)
    const inline = () =>
      pivoted.retriable('reserve', {
        // @ts-expect-error stock may refuse, and the error names `send`
        send: ReserveStock,
        with: ({ input }) => ({ orderId: input.orderId, sku: input.sku }),
      })
    expect(refusal(() => inline().build())).toBe(invalid)
    const unknownCommand: CommandContract = ShipOrder
    // @ts-expect-error a command of which nothing is known may have rejections
    expect(refusal(() => pivoted.retriable('ship', { send: unknownCommand, with: () => ({}) }))).toBe('built')
  })

  test('an unknown earlier result', () => {
    const built = saga()
      .step('reserve', {
        send: ReserveStock,
        // @ts-expect-error nothing is done before the first step
        with: ({ input, done }) => ({ orderId: input.orderId, sku: done.charge.paymentId }),
      })
      .pivot('charge', {
        send: ChargeCard,
        with: ({ input, done }) => ({
          // @ts-expect-error a step’s own result is not known yet
          orderId: done.charge.paymentId,
          // @ts-expect-error and no result has a member that its contract does not name
          amount: input.total + done.reserve.price,
        }),
      })
      .retriable('ship', {
        send: ShipOrder,
        // @ts-expect-error no step of this name
        with: ({ input, done }) => ({ orderId: input.orderId, reservationId: done.reserved.reservationId }),
      })
    expect(refusal(() => built.build())).toBe('built')
  })

  test('a name used twice', () => {
    // @ts-expect-error among compensatable steps
    expect(refusal(() => saga().step('a', reserve).step('a', reserve).build())).toBe(invalid)
    // @ts-expect-error for the pivot
    expect(refusal(() => saga().step('a', reserve).pivot('a', charge).build())).toBe(invalid)
    // @ts-expect-error for a retriable step
    expect(refusal(() => saga().pivot('a', charge).retriable('a', ship).build())).toBe(invalid)
  })

  test('an undo of a pivot or of a retriable step', () => {
    const undo = { send: ReleaseStock, with: () => ({ orderId: 'o' }) } as const
    // @ts-expect-error its outcome decides, so nothing undoes it
    const undonePivot = () => saga().pivot('charge', { ...charge, undo })
    expect(refusal(() => undonePivot().build())).toBe(invalid)
    const pivoted = saga().pivot('charge', charge)
    // @ts-expect-error it only goes forward
    expect(refusal(() => pivoted.retriable('ship', { ...ship, undo }).build())).toBe(invalid)
  })

  test('a request of the wrong shape', () => {
    const built = saga()
      .step('missing', {
        send: ReserveStock,
        // @ts-expect-error the sku is missing
        with: ({ input }) => ({ orderId: input.orderId }),
        undo: {
          send: ReleaseStock,
          // @ts-expect-error the order is missing
          with: ({ result }) => ({ reservationId: result?.reservationId }),
        },
      })
      .step('async', {
        send: ReserveStock,
        // @ts-expect-error mappers are pure: they wait for nothing
        with: async ({ input }) => ({ orderId: input.orderId, sku: input.sku }),
      })
      .pivot('charge', {
        send: ChargeCard,
        // @ts-expect-error the amount is no text
        with: ({ input }) => ({ orderId: input.orderId, amount: input.note }),
      })
      .retriable('ship', {
        send: ShipOrder,
        // @ts-expect-error the reservation is missing
        with: ({ input }) => ({ orderId: input.orderId }),
      })
    expect(refusal(() => built.build())).toBe('built')
  })

  test('an undo that needs the result, which an unknown outcome does not have', () => {
    const built = saga().step('reserve', {
      ...reserve,
      undo: {
        send: ReleaseStock,
        with: ({ request, result }) => ({
          orderId: request.orderId,
          // @ts-expect-error the result may be absent
          reservationId: result.reservationId,
        }),
      },
    })
    expect(refusal(() => built.build())).toBe('built')
  })

  test('an event, or nothing, in place of a command; a timeout that is no duration; an unknown option', () => {
    // @ts-expect-error no command
    const noCommand = () => saga().step('a', { send: Order, with: () => ({}) })
    expect(refusal(() => noCommand().build())).toBe(invalid)
    // @ts-expect-error no request
    expect(refusal(() => saga().step('a', { send: ReserveStock }).build())).toBe(invalid)
    // @ts-expect-error a number has no unit
    const noUnit = () => saga().step('a', { ...reserve, timeout: 30 })
    expect(refusal(() => noUnit().build())).toBe(invalid)
    // @ts-expect-error it is called `timeout`
    const misspelt = () => saga().step('a', { ...reserve, timeOut: '30s' })
    expect(refusal(() => misspelt().build())).toBe('built')
  })

  test('a saga without a step, and a key that is no text', () => {
    // @ts-expect-error there is nothing to build
    expect(refusal(() => saga().build())).toBe(invalid)
    // @ts-expect-error the total is a number
    const numbered = sagaBuilder('place-order', { version: 1, input: Order, key: (order) => order.total })
    const definition = numbered.step('reserve', reserve).build()
    expect(() => definition.key({ orderId: 'o', sku: 's', total: 1, note: '' })).toThrow('MESSAGE_INVALID')
  })
})
