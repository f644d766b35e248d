import { z } from 'zod'
import { command } from '../../../../src/message/command.ts'
import { sagaBuilder } from '../../../../src/saga/definition/saga-builder.ts'
import type { SagaDefinition } from '../../../../src/saga/definition/saga-definition.ts'
import { waitingLegs } from '../../../../src/saga/machine/leg-machine.ts'
import { advance, startSaga } from '../../../../src/saga/machine/saga-machine.ts'
import type { SagaEffect, SagaTransition } from '../../../../src/saga/machine/saga-effect.ts'
import type { SagaInput } from '../../../../src/saga/machine/saga-input.ts'
import { interrupted } from '../../../../src/saga/machine/stop-machine.ts'
import type { SagaState } from '../../../../src/saga/machine/saga-state.ts'

const ask = z.object({ trip: z.string(), what: z.string() })
const booked = z.object({ booking: z.string() })
const contract = <const Rejected extends Record<string, z.ZodType> = Record<never, never>>(
  name: string,
  rejected?: Rejected,
) =>
  command<string, typeof ask, typeof booked, Rejected>(name, {
    version: 1,
    key: ({ trip }) => trip,
    request: ask,
    ok: booked,
    ...(rejected && { rejected }),
  })

const full = { full: z.object({ left: z.int() }) }
export const BookFlight = contract('flight.book', full)
export const CancelFlight = contract('flight.cancel')
const BookHotel = contract('hotel.book', full)
const CancelHotel = contract('hotel.cancel', { tooLate: z.object({ fee: z.int() }) })
const CheckVisa = contract('visa.check', { missing: z.object({}) })
const Pay = contract('payment.take', { declined: z.object({ why: z.string() }) })
const Ticket = contract('ticket.print')
const Mail = contract('mail.send')

/** What the mappers of {@link trip} do when the input says so. */
const given = (input: { readonly trip: string; readonly bug: string }, step: string, what: string) => {
  if (input.bug === `throw ${step}`) throw new Error('no such\0field')
  return { trip: input.bug === `key ${step}` ? '' : input.trip, what }
}

/** A saga with steps of all kinds: two that are undone, one without effects, the pivot, two retriable ones. */
export const trip = sagaBuilder('trip', {
  version: 2,
  input: z.object({ trip: z.string(), bug: z.string().default('') }),
  key: (input) => input.trip,
})
  .step('flight', {
    send: BookFlight,
    with: ({ input }) => given(input, 'flight', 'flight'),
    undo: {
      send: CancelFlight,
      with: ({ input, request, result }) =>
        given(input, 'undo flight', `${request.what} ${result?.booking ?? 'unknown'}`),
      timeout: '7s',
      retry: { attemptsMax: 2 },
    },
    timeout: '10s',
    retry: { attemptsMax: 3, backoff: { initialMs: 1_000, factor: 3, maxMs: 2_000 } },
  })
  .step('hotel', {
    send: BookHotel,
    with: ({ input, done }) => given(input, 'hotel', `hotel for ${done.flight.booking}`),
    undo: {
      send: CancelHotel,
      with: ({ input, request, result }) =>
        given(input, 'undo hotel', `${request.what} ${result?.booking ?? 'unknown'}`),
      retry: { attemptsMax: 2 },
    },
    retry: { attemptsMax: 1 },
  })
  .step('visa', {
    send: CheckVisa,
    with: ({ input }) => given(input, 'visa', 'visa'),
    retry: { attemptsMax: 1 },
  })
  .pivot('pay', {
    send: Pay,
    with: ({ input, done }) => given(input, 'pay', Object.keys(done).join('+')),
    retry: { attemptsMax: 2, backoff: { initialMs: 0, maxMs: 0 } },
  })
  .retriable('ticket', {
    send: Ticket,
    with: ({ input, done }) => given(input, 'ticket', done.pay?.booking ?? 'unpaid'),
    retry: { attemptsMax: 2 },
  })
  .retriable('mail', { send: Mail, with: ({ input }) => given(input, 'mail', 'mail') })
  .build()

type Address = { readonly round?: number; readonly attempt?: number; readonly body?: unknown }

/** One saga on its way. Its state goes through JSON after each move, as it does in the database. */
export type Journey = {
  readonly state: SagaState
  /** The legs that wait for their answers: `do flight`. */
  readonly waiting: readonly string[]
  /** The legs that have parked the saga. */
  readonly stopped: readonly string[]
  /** Of the last move. */
  readonly changed: boolean
  /** Of the last move, in short: `send do flight 1.1`. */
  readonly effects: readonly string[]
  /** Of the last move. */
  readonly raw: readonly SagaEffect[]
  /** Answers `do flight` or `undo flight` in round 1, or in the one that is given. */
  reply(leg: string, outcome: string, address?: Address): Journey
  ok(leg: string, address?: Address): Journey
  timer(leg: string, attempt: number, round?: number): Journey
  retry(step?: string): Journey
  skip(step?: string): Journey
  steer(kind: 'cancel' | 'compensate' | 'hold' | 'resume'): Journey
  substitute(result: unknown, step?: string): Journey
  resolve(as: 'completed' | 'compensated'): Journey
  /** Parks the saga from outside, as the shell does. */
  interrupt(): Journey
  /** Goes on under another definition. */
  under(definition: SagaDefinition): Journey
}

/** Starts a {@link trip}. */
export function journey(bug = '', definition: SagaDefinition = trip): Journey {
  return after(definition, startSaga(definition, { trip: 't-1', bug }))
}

/** Starts a trip and answers ok to the steps that are named. */
export function journeyPast(...steps: readonly string[]): Journey {
  return steps.reduce((trips, step) => trips.ok(`do ${step}`), journey())
}

function after(definition: SagaDefinition, { state, changed, effects }: SagaTransition): Journey {
  const stored = JSON.parse(JSON.stringify(state)) as SagaState
  const move = (input: SagaInput) => after(definition, advance(definition, stored, input))
  const leg = (name: string) => {
    const [direction, step = ''] = name.split(' ')
    return { direction: direction as 'do' | 'undo', step }
  }
  const reply = (name: string, outcome: string, { round = 1, attempt = 1, body }: Address = {}) =>
    move({ kind: 'reply', ...leg(name), round, attempt, outcome, body })
  const operator = { reason: 'because', actor: 'ada' }
  return {
    state,
    waiting: waitingLegs(state).map(({ step, direction }) => `${direction} ${step}`),
    stopped: state.stopped.map(({ step, direction }) => `${direction} ${step}`),
    changed,
    effects: effects.map(inShort),
    raw: effects,
    reply,
    ok: (name, address = {}) => reply(name, 'ok', { body: { booking: `b-${leg(name).step}` }, ...address }),
    timer: (name, attempt, round = 1) => move({ kind: 'timer', ...leg(name), round, attempt }),
    retry: (step) => move({ kind: 'retry', ...operator, ...(step !== undefined && { step }) }),
    skip: (step) => move({ kind: 'skip', ...operator, ...(step !== undefined && { step }) }),
    steer: (kind) => move({ kind, ...operator }),
    substitute: (result, step) =>
      move({ kind: 'substitute', result, ...operator, ...(step !== undefined && { step }) }),
    resolve: (as) => move({ kind: 'resolve', as, ...operator }),
    interrupt: () =>
      after(definition, { state: interrupted(stored, 'SAGA_MESSAGE_FAILED'), changed: true, effects: [] }),
    under: (other) => after(other, { state, changed, effects }),
  }
}

function inShort(effect: SagaEffect): string {
  if (effect.kind === 'cancel') return `cancel ${effect.direction} ${effect.step}`
  const { direction, step, round, attempt } = effect
  const at = [direction, step, round === undefined ? undefined : `${round}.${attempt}`]
    .filter(Boolean)
    .join(' ')
  if (effect.kind === 'record') return [effect.entry, at].filter(Boolean).join(' ')
  return effect.kind === 'send' ? `send ${at}` : `schedule ${at} ${effect.afterMs}`
}
