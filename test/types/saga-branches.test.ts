import { describe, expect, expectTypeOf, test } from 'vitest'
import { ChargeCard, ReserveStock, ShipOrder } from './shop-contracts.ts'
import { charge, refusal, reserve, saga, ship } from './shop-saga.ts'

// `tsc` checks these files: a line under `@ts-expect-error` that compiles is an error. What the types refuse is refused at run time as well,
// where JavaScript can get so far.

describe('what branches and plans infer', () => {
  test('the results of all branches after they have joined, and of its own branch alone within one', () => {
    const built = saga()
      .parallel(
        (goods) =>
          goods.step('reserve', reserve).step('again', {
            send: ReserveStock,
            with: ({ input, done }) => {
              expectTypeOf<keyof typeof done>().toEqualTypeOf<'reserve'>()
              return { orderId: input.orderId, sku: done.reserve.reservationId }
            },
          }),
        (other) =>
          other.step('other', {
            send: ReserveStock,
            with: ({ input, done }) => {
              expectTypeOf<keyof typeof done>().toEqualTypeOf<never>()
              return { orderId: input.orderId, sku: input.sku }
            },
          }),
      )
      .pivot('charge', {
        send: ChargeCard,
        with: ({ input, done }) => {
          expectTypeOf<keyof typeof done>().toEqualTypeOf<'reserve' | 'again' | 'other'>()
          return { orderId: done.other.reservationId, amount: input.total }
        },
      })
      .parallel(
        (one) => one.retriable('ship', ship),
        (two) => two.retriable('post', ship),
      )
      .retriable('mail', {
        send: ShipOrder,
        with: ({ input, done }) => {
          expectTypeOf(done.post).toEqualTypeOf<(typeof done)['ship']>()
          return { orderId: input.orderId, reservationId: done.again.reservationId }
        },
      })
      .build()
    expect(built.steps.map(({ name, after }) => [name, ...after])).toEqual([
      ['reserve'],
      ['again', 'reserve'],
      ['other'],
      ['charge', 'again', 'other'],
      ['ship', 'charge'],
      ['post', 'charge'],
      ['mail', 'ship', 'post'],
    ])
  })

  test('that the result of a step with a condition may be absent', () => {
    const built = saga()
      .step('reserve', { ...reserve, when: ({ input }) => input.total > 0 })
      .pivot('charge', {
        send: ChargeCard,
        with: ({ input, done }) => {
          expectTypeOf(done.reserve).toEqualTypeOf<{ reservationId: string } | undefined>()
          return { orderId: input.orderId, amount: input.total }
        },
      })
      .build()
    expect(built.graph.nodes.map(({ conditional }) => conditional)).toEqual([true, undefined])
  })

  test('of a plan, the results of the steps that are needed, under the names of the needs', () => {
    const built = saga().plan((steps) => {
      const held = steps.step('reserve', reserve)
      const other = steps.step('other', { ...reserve, when: ({ input }) => input.total > 0 })
      const charged = steps.pivot('charge', {
        needs: { goods: held, other },
        send: ChargeCard,
        with: ({ input, done }) => {
          expectTypeOf<keyof typeof done>().toEqualTypeOf<'goods' | 'other'>()
          expectTypeOf(done.goods).toEqualTypeOf<{ reservationId: string }>()
          expectTypeOf(done.other).toEqualTypeOf<{ reservationId: string } | undefined>()
          return { orderId: input.orderId, amount: input.total }
        },
      })
      steps.retriable('ship', {
        needs: { charged, held },
        send: ShipOrder,
        with: ({ input, done }) => ({ orderId: input.orderId, reservationId: done.held.reservationId }),
      })
    })
    expect(built.steps.map(({ name, after }) => [name, ...after])).toEqual([
      ['reserve'],
      ['other'],
      ['charge', 'reserve', 'other'],
      ['ship', 'charge', 'reserve'],
    ])
    const done = { reserve: { reservationId: 'r' }, charge: { paymentId: 'p' } }
    const input = { orderId: 'o', sku: 's', total: 1, note: '' }
    expect(built.steps[3]?.with({ input, done })).toEqual({ orderId: 'o', reservationId: 'r' })
  })
})

describe('what branches and plans forbid', () => {
  const invalid = 'SAGA_DEFINITION_INVALID'

  test('a branch with a step of another phase, a result of another branch, a branch without a step, and one branch alone', () => {
    const pivoted = () =>
      saga().parallel(
        // @ts-expect-error a branch has no pivot
        (one) => one.pivot('charge', charge),
        (two) => two.step('b', reserve),
      )
    expect(refusal(() => pivoted().build())).toBe(invalid)
    const seesOther = () =>
      saga().parallel(
        (one) => one.step('a', reserve),
        (two) =>
          two.step('b', {
            send: ReserveStock,
            // @ts-expect-error the other branch may not be done
            with: ({ done }) => ({ orderId: 'o', sku: done.a.reservationId }),
          }),
      )
    expect(refusal(() => seesOther().build())).toBe('built')
    expect(
      refusal(() =>
        saga().parallel(
          (one) => one,
          (two) => two.step('b', reserve),
        ),
      ),
    ).toBe(invalid)
    expect(refusal(() => saga().parallel((one) => one.step('a', reserve)))).toBe(invalid)
    const twice = () =>
      saga().parallel(
        (one) => one.step('a', reserve),
        (two) => two.step('a', reserve),
      )
    expect(refusal(() => twice().build())).toBe(invalid)
    // @ts-expect-error no condition
    const always = () => saga().step('a', { ...reserve, when: true })
    expect(refusal(() => always().build())).toBe(invalid)
    const refusable = () =>
      saga()
        .pivot('charge', charge)
        .parallel(
          // @ts-expect-error after the pivot nothing can be refused
          (one) => one.step('a', reserve),
          (two) => two.retriable('b', ship),
        )
    expect(refusal(() => refusable().build())).toBe(invalid)
  })

  test('in a plan, a result that is not needed, a step of another plan, a pivot beside what can be undone, and no step', () => {
    const build = (plan: Parameters<ReturnType<typeof saga>['plan']>[0]) => saga().plan(plan)
    const unneeded = () =>
      build((steps) => {
        steps.step('reserve', reserve)
        steps.step('other', {
          send: ReserveStock,
          // @ts-expect-error it needs nothing
          with: ({ done }) => ({ orderId: 'o', sku: done.reserve.reservationId }),
        })
      })
    expect(refusal(unneeded)).toBe('built')
    const foreign = { name: 'foreign' }
    expect(refusal(() => build((steps) => void steps.step('a', { ...reserve, needs: { foreign } })))).toBe(
      invalid,
    )
    const beside = () =>
      build((steps) => {
        steps.step('reserve', reserve)
        steps.pivot('charge', charge)
      })
    expect(refusal(beside)).toBe(invalid)
    expect(refusal(() => build(() => undefined))).toBe(invalid)
    // @ts-expect-error stock may refuse
    expect(refusal(() => build((steps) => void steps.retriable('a', reserve)))).toBe(invalid)
    const begun = saga().step('reserve', reserve)
    // @ts-expect-error a plan is all of a saga
    expect(() => begun.plan(() => undefined)).toThrow(TypeError)
  })
})
