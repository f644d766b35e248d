import type { z } from 'zod'
import { isBackstitchError } from '../../src/kernel/errors.ts'
import { sagaBuilder } from '../../src/saga/definition/saga-builder.ts'
import { ChargeCard, Order, ReserveStock, ShipOrder } from './shop-contracts.ts'

/** Begins a saga of the shop. */
export const saga = () =>
  sagaBuilder('place-order', { version: 1, input: Order, key: (order) => order.orderId })
export const reserve = { send: ReserveStock, with: reserveRequest } as const
export const charge = { send: ChargeCard, with: () => ({ orderId: 'o', amount: 1 }) } as const
export const ship = { send: ShipOrder, with: () => ({ orderId: 'o', reservationId: 'r' }) } as const

function reserveRequest({ input }: { input: z.output<typeof Order> }) {
  return { orderId: input.orderId, sku: input.sku }
}

/** With which code a definition is refused. */
export function refusal(build: () => unknown): unknown {
  try {
    build()
  } catch (error) {
    return isBackstitchError(error) ? error.code : error
  }
  return 'built'
}
