import { event } from 'backstitch'
import { z } from 'zod'

/** What a poisoned message does to the process that handles it. */
const poisons = ['throws', 'throws at first', 'hangs', 'exhausts memory', 'exits', 'blocks'] as const
export type Poison = (typeof poisons)[number]

/** A message that is counted, or that is poisoned. */
export const Rung = event('bell.rung', {
  version: 1,
  key: (body) => body.tower,
  payload: z.object({ tower: z.string(), n: z.int(), poison: z.enum(poisons).optional() }),
})

/** What is left of each: in the order in which they were applied. */
export const bellTables = `create table rung (at bigint generated always as identity, tower text not null, n integer not null)`

/** What a member is told. */
export type RingerSettings = {
  readonly url: string
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  readonly group: string
  /** The bug of the handler is repaired: it takes a poisoned message like any other. */
  readonly isFixed: boolean
  /** How long a message takes. Default 0. */
  readonly handlingMs?: number
}
