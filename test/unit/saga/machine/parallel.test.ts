import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { command } from '../../../../src/message/command.ts'
import { sagaBuilder } from '../../../../src/saga/definition/saga-builder.ts'
import { journey, type Journey } from './trip.ts'

const body = z.object({ trip: z.string() })
const booked = z.object({ booking: z.string() })
const contract = (name: string) =>
  command(name, {
    version: 1,
    key: ({ trip }) => trip,
    request: body,
    ok: booked,
    rejected: { no: z.object({}) },
  })
const sure = (name: string) =>
  command(name, { version: 1, key: ({ trip }) => trip, request: body, ok: booked })
const step = (service: string) => ({
  send: contract(`${service}.do`),
  with: ({ input }: { input: { trip: string } }) => ({ trip: input.trip }),
  undo: {
    send: sure(`${service}.undo`),
    with: ({ input }: { input: { trip: string } }) => ({ trip: input.trip }),
    retry: { attemptsMax: 1 },
  },
  retry: { attemptsMax: 1 },
})

/** Two branches, one of two steps, between a first step and the pivot; then two retriable ones at once. */
const fork = sagaBuilder('fork', {
  version: 1,
  input: z.object({ trip: z.string(), bug: z.string() }),
  key: ({ trip }) => trip,
})
  .step('visa', step('visa'))
  .parallel(
    (travel) =>
      travel
        .step('flight', step('flight'))
        .step('seat', { ...step('seat'), when: ({ input }) => input.bug !== 'no seat' }),
    (stay) => stay.step('hotel', step('hotel')),
  )
  .pivot('pay', {
    send: contract('payment.take'),
    with: ({ input, done }) => ({ trip: `${input.trip} ${done.hotel.booking} ${done.seat?.booking}` }),
    retry: { attemptsMax: 1 },
  })
  .parallel(
    (paper) =>
      paper.retriable('ticket', { send: sure('ticket.print'), with: ({ input }) => ({ trip: input.trip }) }),
    (post) =>
      post.retriable('mail', { send: sure('mail.send'), with: ({ input }) => ({ trip: input.trip }) }),
  )
  .build()

const begin = (bug = ''): Journey => journey(bug, fork)
const forked = (bug = ''): Journey => begin(bug).ok('do visa')
const no = { body: {} }

describe('branches', () => {
  test('begin together and are waited for together', () => {
    const both = forked()
    expect(both.waiting).toEqual(['do flight', 'do hotel'])
    const hotel = both.ok('do hotel')
    expect(hotel.waiting).toEqual(['do flight'])
    const seat = hotel.ok('do flight')
    expect(seat.waiting).toEqual(['do seat'])
    const paying = seat.ok('do seat')
    expect(paying.waiting).toEqual(['do pay'])
    expect(paying.raw.find(({ kind }) => kind === 'send')).toMatchObject({
      request: { trip: 't-1 b-hotel b-seat' },
    })
    const onward = paying.ok('do pay')
    expect(onward.waiting).toEqual(['do ticket', 'do mail'])
    expect(onward.ok('do mail').ok('do ticket').state.status).toBe('completed')
  })

  test('pass over a step whose condition does not hold, and undo nothing of it', () => {
    const paying = forked('no seat').ok('do flight').ok('do hotel')
    expect(paying.state.steps['seat']?.do).toMatchObject({ status: 'passed', attempt: 0 })
    expect(paying.raw.find(({ kind }) => kind === 'send')).toMatchObject({
      request: { trip: 't-1 b-hotel undefined' },
    })
    const back = paying.reply('do pay', 'rejected.no', no)
    expect(back.waiting).toEqual(['undo flight', 'undo hotel'])
  })

  test('are undone at the same time, each in reverse, and what they stand on last', () => {
    const back = forked().ok('do flight').ok('do seat').ok('do hotel').reply('do pay', 'rejected.no', no)
    expect(back.waiting).toEqual(['undo hotel', 'undo seat'])
    const hotelUndone = back.ok('undo hotel')
    expect(hotelUndone.waiting).toEqual(['undo seat'])
    const flight = hotelUndone.ok('undo seat')
    expect(flight.waiting).toEqual(['undo flight'])
    const visa = flight.ok('undo flight')
    expect(visa.waiting).toEqual(['undo visa'])
    expect(visa.ok('undo visa').state).toMatchObject({
      status: 'compensated',
      reason: 'step pay was rejected: no',
    })
  })
})

describe('when one branch is rejected', () => {
  test('the others begin nothing more, and what they have on its way is waited for', () => {
    const back = forked().reply('do hotel', 'rejected.no', no)
    expect(back.state.status).toBe('compensating')
    expect(back.waiting).toEqual(['do flight'])
    const answered = back.ok('do flight')
    expect(answered.waiting).toEqual(['undo flight'])
    expect(answered.state.steps).not.toHaveProperty('seat')
    expect(answered.ok('undo flight').waiting).toEqual(['undo visa'])
  })

  test('a step of another that is rejected too is not undone', () => {
    const back = forked().reply('do hotel', 'rejected.no', no).reply('do flight', 'rejected.no', no)
    expect(back.waiting).toEqual(['undo visa'])
  })

  test('a step of another that does not answer is not sent again but undone', () => {
    const back = forked().reply('do hotel', 'rejected.no', no).timer('do flight', 1)
    expect(back.effects).toContain('send undo flight 1.1')
  })

  test('a step of another that had parked the saga needs no operator any more', () => {
    const parked = forked().reply('do flight', 'ok', { body: 1 })
    expect([parked.state.status, parked.stopped, parked.waiting]).toEqual([
      'parked',
      ['do flight'],
      ['do hotel'],
    ])
    const back = parked.reply('do hotel', 'rejected.no', no)
    expect([back.state.status, back.stopped, back.waiting]).toEqual(['compensating', [], ['undo flight']])
  })
})

describe('once a saga has turned round', () => {
  const turned = () => forked().reply('do hotel', 'rejected.no', no)

  test.each([
    ['an answer that nobody can read', 'ok', { body: 1 }],
    ['an outcome that is none', 'perhaps', no],
  ])(
    '%s says that the step may have happened: it is undone, and no operator is needed',
    (_what, outcome, body) => {
      const back = turned().reply('do flight', outcome, body)
      expect([back.state.status, back.stopped, back.waiting]).toEqual(['compensating', [], ['undo flight']])
    },
  )

  test('a rejection that no contract knows is a rejection', () => {
    const back = turned().reply('do flight', 'rejected.closed', no)
    expect([back.stopped, back.waiting]).toEqual([[], ['undo visa']])
  })

  test('a late answer of the pivot is recorded, and neither taken for a success nor sent again', () => {
    const unpaid = forked().ok('do flight').ok('do seat').ok('do hotel').timer('do pay', 1)
    const parked = unpaid.steer('compensate').timer('undo seat', 1)
    expect([parked.state.status, parked.stopped]).toEqual(['parked', ['undo seat']])
    expect(parked.ok('do pay').effects).toEqual(['late do pay 1.1'])
    const unreadable = parked.reply('do pay', 'ok', { body: 1 })
    expect(unreadable.stopped).toEqual(['undo seat'])
    expect(unreadable.retry().waiting).not.toContain('do pay')
  })
})

describe('while one branch has parked the saga', () => {
  const parked = () => forked().ok('do flight').ok('do seat').reply('do hotel', 'ok', { body: 1 })

  test('nothing is begun, and what the others have on its way arrives', () => {
    const stopped = forked().reply('do hotel', 'ok', { body: 1 }).ok('do flight')
    expect(stopped.state.status).toBe('parked')
    expect(stopped.waiting).toEqual([])
    expect(stopped.retry().waiting).toEqual(['do hotel', 'do seat'])
  })

  test('what has waited long enough is taken up when the saga goes on', () => {
    const overdue = forked().reply('do hotel', 'ok', { body: 1 }).timer('do flight', 1)
    expect(overdue.effects).toEqual(['timed-out do flight 1.1'])
    expect(overdue.ok('do flight').state.steps['flight']?.do.status).toBe('ok')
    const back = overdue.ok('do hotel')
    expect(back.state).toMatchObject({
      status: 'compensating',
      reason: 'step flight was not answered within 1 attempts',
    })
    expect(back.waiting).toEqual(['undo flight', 'undo hotel'])
  })

  test('a second one may stop: retry means both, skip needs a name', () => {
    const two = forked().reply('do hotel', 'ok', { body: 1 }).reply('do flight', 'ok', { body: 1 })
    expect(two.stopped).toEqual(['do hotel', 'do flight'])
    expect(two.state.reason).toContain('step hotel')
    expect(two.retry().waiting).toEqual(['do flight', 'do hotel'])
    expect(two.retry('flight').stopped).toEqual(['do hotel'])
    expect(() => two.skip()).toThrow(/SAGA_STATE_REFUSES.*several have stopped: hotel, flight/)
    expect(() => two.skip('visa')).toThrow(
      /SAGA_STATE_REFUSES.*visa: it has not stopped; these have: hotel, flight/,
    )
    const skipped = two.skip('flight')
    expect([skipped.stopped, skipped.waiting]).toEqual([['do hotel'], []])
    expect(skipped.ok('do hotel').waiting).toEqual(['do seat'])
  })

  test('two undos may stop as well', () => {
    const back = parked().ok('do hotel').reply('do pay', 'rejected.no', no)
    const two = back.timer('undo seat', 1).timer('undo hotel', 1)
    expect(two.stopped).toEqual(['undo seat'])
    const hotel = two.skip()
    expect(hotel.stopped).toEqual(['undo hotel'])
    expect(hotel.skip().waiting).toEqual(['undo flight'])
  })

  test('the shell may park it once more: an operator’s retry sends all that waited', () => {
    const stopped = forked().reply('do hotel', 'ok', { body: 1 }).interrupt()
    expect(stopped.waiting).toEqual([])
    const onward = stopped.ok('do hotel')
    expect(onward.state.status).toBe('compensating')
    expect(forked().interrupt().retry().waiting).toEqual(['do flight', 'do hotel'])
  })
})

test('a condition that throws parks its step', () => {
  const wrong = {
    ...fork,
    steps: fork.steps.map((one) => ({
      ...one,
      when: () => {
        throw new Error('no such field')
      },
    })),
  }
  const { state } = journey('', wrong)
  expect(state.reason).toMatch(/^SAGA_MAPPER_FAILED.*step visa: no such field/)
})
