import { describe, expect, test } from 'vitest'
import { placeOrder } from '../../../sagas/place-order/saga.ts'
import { rehearse } from '../../../src/testing/rehearse/rehearse.ts'

const order = {
  orderId: '0190d0e0-0000-7000-8000-000000000001',
  customer: 'ann',
  card: 'card-1',
  lines: [{ sku: 'tea', quantity: 2, unitPrice: 300 }],
  total: 600,
  address: { name: 'Ann', street: 'High Street 1', city: 'Bath', country: 'GB' },
}
const begin = () => rehearse(placeOrder, order)

describe('a saga in rehearsal', () => {
  test('is answered step by step until it ends', () => {
    const saga = begin()
    expect(saga.waiting).toMatchObject([
      { step: 'reserve', direction: 'do', command: 'stock.reserve', request: { orderId: order.orderId } },
    ])
    saga.reply('reserve', 'ok', { reservationId: 'r-1' })
    saga.reply('charge', 'ok', { paymentId: 'p-1' })
    expect(saga.waiting).toMatchObject([{ command: 'shipping.ship', request: { reservationId: 'r-1' } }])
    saga.reply('ship', 'ok', { trackingNumber: 't-1' })
    expect([saga.status, saga.reason, saga.waiting]).toEqual(['completed', undefined, []])
    expect(saga.history).toEqual([
      'started',
      'sent reserve',
      'ok reserve',
      'sent charge',
      'ok charge',
      'sent ship',
      'ok ship',
      'completed',
    ])
  })

  test('is undone where it is refused', () => {
    const saga = begin()
    saga.reply('reserve', 'ok', { reservationId: 'r-1' })
    saga.reply('charge', 'cardDeclined', { reason: 'blocked' })
    expect(saga.status).toBe('compensating')
    expect(saga.waiting).toMatchObject([{ step: 'reserve', direction: 'undo', command: 'stock.release' }])
    saga.reply('reserve', 'ok', { released: 2 })
    expect([saga.status, saga.reason]).toEqual(['compensated', 'step charge was rejected: cardDeclined'])
  })

  test('sends again when its time is over, and takes an answer to the first attempt', () => {
    const saga = begin()
    saga.elapse('9s')
    expect(saga.sent).toHaveLength(1)
    saga.elapse('1s')
    expect(saga.sent.map(({ attempt }) => attempt)).toEqual([1, 2])
    saga.reply('reserve', 'ok', { reservationId: 'r-1' }, { attempt: 1 })
    expect(saga.waiting).toMatchObject([{ step: 'charge' }])
  })

  test('is parked when the pivot never answers, and moved on by an operator or a late answer', () => {
    const parked = () => {
      const saga = begin()
      saga.reply('reserve', 'ok', { reservationId: 'r-1' })
      saga.elapse('1h')
      expect([saga.status, saga.sent.filter(({ step }) => step === 'charge').length]).toEqual(['parked', 5])
      return saga
    }
    const retried = parked()
    retried.retry()
    expect(retried.waiting).toMatchObject([{ step: 'charge', attempt: 6 }])
    const skipped = parked()
    skipped.skip('charge')
    expect(skipped.waiting).toMatchObject([{ step: 'ship' }])
    const late = parked()
    late.reply('charge', 'ok', { paymentId: 'p-1' })
    expect(late.waiting).toMatchObject([{ step: 'ship' }])
  })

  test('refuses an input, a step and a verb that do not fit', () => {
    expect(() => rehearse(placeOrder, { ...order, total: 0 })).toThrow('MESSAGE_INVALID')
    expect(() => begin().reply('ship', 'ok')).toThrow(/CONFIG_INVALID.*no command of the step ship/)
    expect(() => begin().retry()).toThrow('SAGA_STATE_REFUSES')
  })
})
