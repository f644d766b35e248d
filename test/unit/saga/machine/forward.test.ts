import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startSaga } from '../../../../src/saga/machine/saga-machine.ts'
import { BookFlight, journey, journeyPast, trip } from './trip.ts'

describe('a start', () => {
  test('validates the input and sends the first step', () => {
    const { state, changed, effects, raw } = journey()
    expect(changed).toBe(true)
    expect(effects).toEqual([
      'started',
      'send do flight 1.1',
      'schedule do flight 1.1 10000',
      'sent do flight 1.1',
    ])
    expect(raw[1]).toEqual({
      kind: 'send',
      step: 'flight',
      direction: 'do',
      round: 1,
      attempt: 1,
      command: BookFlight,
      key: 't-1',
      request: { trip: 't-1', what: 'flight' },
    })
    expect(state).toEqual({
      status: 'running',
      input: { trip: 't-1', bug: '' },
      stopped: [],
      steps: {
        flight: {
          after: [],
          do: {
            status: 'sent',
            round: 1,
            attempt: 1,
            request: { trip: 't-1', what: 'flight' },
            key: 't-1',
            command: { name: 'flight.book', version: 1 },
          },
          undoBy: { name: 'flight.cancel', version: 1 },
        },
      },
    })
  })

  test('refuses an input that does not fit', () => {
    expect(() => startSaga(trip, { trip: 7 })).toThrow(/^MESSAGE_INVALID.*trip v2: trip: /)
  })

  test('refuses an input that JSON cannot hold, which would come back as another', () => {
    const dated = { ...trip, input: z.object({ at: z.date() }) }
    expect(() => startSaga(dated, { at: new Date(0) })).toThrow(
      /trip v2: at: JSON cannot hold an instance of Date/,
    )
  })
})

describe('an ok', () => {
  test('cancels the timer and sends the next step with the earlier results', () => {
    const { state, effects, raw, waiting } = journey().ok('do flight')
    expect(effects).toEqual([
      'cancel do flight',
      'ok do flight 1.1',
      'send do hotel 1.1',
      'schedule do hotel 1.1 30000',
      'sent do hotel 1.1',
    ])
    expect(raw[2]).toMatchObject({ request: { trip: 't-1', what: 'hotel for b-flight' } })
    expect(state.steps['flight']?.do).toEqual({
      status: 'ok',
      round: 1,
      attempt: 1,
      request: { trip: 't-1', what: 'flight' },
      key: 't-1',
      command: { name: 'flight.book', version: 1 },
      result: { booking: 'b-flight' },
    })
    expect(waiting).toEqual(['do hotel'])
  })

  test('of any attempt settles the leg (attacks D26)', () => {
    const { state, waiting } = journey().timer('do flight', 1).ok('do flight', { attempt: 1 })
    expect(state.steps['flight']?.do).toMatchObject({ status: 'ok', attempt: 2 })
    expect(waiting).toEqual(['do hotel'])
  })

  test('keeps what the schema makes of the body', () => {
    const { state } = journey().ok('do flight', { body: { booking: 'b', more: 1 } })
    expect(state.steps['flight']?.do.result).toEqual({ booking: 'b' })
  })

  test('of the last step completes the saga', () => {
    const done = journeyPast('flight', 'hotel', 'visa', 'pay', 'ticket', 'mail')
    expect(done.effects).toEqual(['cancel do mail', 'ok do mail 1.1', 'completed'])
    expect(done.state).toMatchObject({ status: 'completed', stopped: [] })
    expect(done.state).not.toHaveProperty('reason')
    expect(Object.keys(done.state.steps)).toEqual(['flight', 'hotel', 'visa', 'pay', 'ticket', 'mail'])
  })

  test('of a step without undo names none', () => {
    expect(journeyPast('flight', 'hotel').state.steps['visa']).not.toHaveProperty('undoBy')
  })
})

describe('what changes nothing', () => {
  const done = journeyPast('flight', 'hotel', 'visa', 'pay', 'ticket', 'mail')
  const waiting = journey()
  const parked = journey('throw flight')

  test.each([
    ['the same answer again', journeyPast('flight').ok('do flight')],
    ['an answer of another round', waiting.ok('do flight', { round: 2 })],
    ['an answer to an undo that was never sent', waiting.ok('undo flight')],
    ['an answer to a step that was not begun', waiting.ok('do mail')],
    ['an answer to no step', waiting.ok('do nothing')],
    ['an answer to a member of every object', waiting.ok('do constructor')],
    ['an answer to the prototype of every object', waiting.ok('do __proto__')],
    ['an answer to a saga that has ended', done.ok('do mail')],
    [
      'another answer to a saga that has ended',
      done.reply('do mail', 'rejected.full', { body: { left: 1 } }),
    ],
    ['an answer to a leg that its mapper has parked', parked.ok('do flight')],
    ['a timer of an earlier attempt', waiting.timer('do flight', 1).timer('do flight', 1)],
    ['a timer of a later attempt', waiting.timer('do flight', 2)],
    ['a timer of another round', waiting.timer('do flight', 1, 2)],
    ['a timer of a leg that was answered', journeyPast('flight').timer('do flight', 1)],
    ['a timer of a leg that was not begun', waiting.timer('undo flight', 1)],
    ['a timer of a saga that has ended', done.timer('do mail', 1)],
    ['a timer of a parked saga', parked.timer('do flight', 1)],
  ])('%s', (_what, { changed, raw }) => {
    expect(changed).toBe(false)
    expect(raw).toEqual([])
  })
})

describe('a timer', () => {
  test('sends the same request again, in the same round, and waits longer each time', () => {
    const second = journey().timer('do flight', 1)
    expect(second.effects).toEqual([
      'timed-out do flight 1.1',
      'send do flight 1.2',
      'schedule do flight 1.2 11000',
      'sent do flight 1.2',
    ])
    const third = second.timer('do flight', 2)
    // 1 s by 3 is 3 s, but it grows to 2 s at most.
    expect(third.effects).toContain('schedule do flight 1.3 12000')
    expect(third.raw[1]).toMatchObject({ request: { trip: 't-1', what: 'flight' }, key: 't-1' })
    expect(third.state.steps['flight']?.undoBy).toEqual({ name: 'flight.cancel', version: 1 })
  })

  test('never waits longer than a timer can', () => {
    const retry = { attemptsMax: 9, backoff: { initialMs: 2 ** 31 - 1, maxMs: 2 ** 31 - 1, factor: 1 } }
    const patient = { ...trip, steps: trip.steps.map((step) => ({ ...step, retry })) }
    expect(journey('', patient).timer('do flight', 1).effects).toContain('schedule do flight 1.2 2147483647')
  })
})

test('a definition that a mapper or a caller changes afterwards changes nothing that is stored', () => {
  const input = { trip: 't-1', lines: [1, 2] }
  const greedy = {
    ...trip,
    input: z.object({ trip: z.string(), lines: z.array(z.int()) }),
    steps: trip.steps.map((step) => ({
      ...step,
      with: (context: { input: unknown }) => {
        const lines = (context.input as typeof input).lines
        return { trip: 't-1', what: String(lines.splice(0).length) }
      },
    })),
  }
  const { state } = startSaga(greedy, input)
  expect(state.input).toEqual({ trip: 't-1', lines: [1, 2] })
  expect(input.lines).toEqual([1, 2])
})
