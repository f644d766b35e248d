import { describe, expect, test } from 'vitest'
import { CancelFlight, journey, journeyPast } from './trip.ts'

const declined = { body: { why: 'no cover' } }
/** Flight, hotel and visa are done, and the card was declined: the hotel is being undone. */
const undoing = () => journeyPast('flight', 'hotel', 'visa').reply('do pay', 'rejected.declined', declined)

describe('a rejection', () => {
  test('of the pivot undoes the steps before it in reverse order, and passes over the one without undo', () => {
    const back = undoing()
    expect(back.effects).toEqual([
      'cancel do pay',
      'rejected do pay 1.1',
      'compensating',
      'send undo hotel 1.1',
      'schedule undo hotel 1.1 30000',
      'sent undo hotel 1.1',
    ])
    expect(back.raw[1]).toMatchObject({ detail: { name: 'declined', detail: { why: 'no cover' } } })
    expect(back.raw[2]).toMatchObject({ detail: { reason: 'step pay was rejected: declined' } })
    expect(back.state).toMatchObject({
      status: 'compensating',
      reason: 'step pay was rejected: declined',
      steps: {
        pay: { do: { status: 'rejected', rejection: { name: 'declined', detail: { why: 'no cover' } } } },
      },
    })
    expect(back.waiting).toEqual(['undo hotel'])
    const further = back.ok('undo hotel')
    expect(further.effects).toEqual([
      'cancel undo hotel',
      'ok undo hotel 1.1',
      'send undo flight 1.1',
      'schedule undo flight 1.1 7000',
      'sent undo flight 1.1',
    ])
    expect(further.raw[2]).toMatchObject({
      command: CancelFlight,
      key: 't-1',
      request: { trip: 't-1', what: 'flight b-flight' },
    })
    const end = further.ok('undo flight')
    expect(end.effects).toEqual(['cancel undo flight', 'ok undo flight 1.1', 'compensated'])
    expect(end.state).toMatchObject({
      status: 'compensated',
      stopped: [],
      reason: 'step pay was rejected: declined',
    })
    expect(end.ok('undo flight').changed).toBe(false)
  })

  test('of a compensatable step does not undo that step: it has had no effect', () => {
    const back = journeyPast('flight').reply('do hotel', 'rejected.full', { body: { left: 0 } })
    expect(back.effects).toContain('send undo flight 1.1')
    expect(back.ok('undo flight').state.steps['hotel']).not.toHaveProperty('undo')
  })

  test('of the first step ends the saga at once', () => {
    const { effects, state } = journey().reply('do flight', 'rejected.full', { body: { left: 0 } })
    expect(effects).toEqual(['cancel do flight', 'rejected do flight 1.1', 'compensating', 'compensated'])
    expect(state.reason).toBe('step flight was rejected: full')
  })
})

describe('a step without an answer', () => {
  test('is undone once its attempts are spent, from its input and request alone (attacks D29)', () => {
    const back = journey().timer('do flight', 1).timer('do flight', 2).timer('do flight', 3)
    expect(back.effects).toEqual([
      'timed-out do flight 1.3',
      'cancel do flight',
      'compensating',
      'send undo flight 1.1',
      'schedule undo flight 1.1 7000',
      'sent undo flight 1.1',
    ])
    expect(back.raw[3]).toMatchObject({ request: { what: 'flight unknown' } })
    expect(back.state).toMatchObject({
      status: 'compensating',
      reason: 'step flight was not answered within 3 attempts',
      steps: { flight: { do: { status: 'unknown', attempt: 3 } } },
    })
    expect(back.ok('undo flight').state.status).toBe('compensated')
  })

  test('is passed over where it has no undo', () => {
    expect(journeyPast('flight', 'hotel').timer('do visa', 1).effects).toContain('send undo hotel 1.1')
  })

  test.each(['ok', 'rejected.full'])('whose answer %s comes late is undone all the same', (outcome) => {
    const back = journeyPast('flight').timer('do hotel', 1)
    const late = back.reply('do hotel', outcome, { body: { booking: 'b', left: 1 } })
    expect(late.effects).toEqual(['late do hotel 1.1'])
    expect(late.raw[0]).toMatchObject({ detail: { outcome } })
    expect(late.changed).toBe(true)
    expect(late.state).toEqual(back.state)
    expect(late.ok('undo hotel').effects).toContain('send undo flight 1.1')
  })
})

test('an undo that finds nothing to undo is done: the barrier of its participant answers without a body', () => {
  const back = journeyPast('flight').timer('do hotel', 1)
  const onward = back.ok('undo hotel', { body: null })
  expect(onward.state.steps['hotel']?.undo).toMatchObject({ status: 'ok', result: null })
  expect(onward.effects).toContain('send undo flight 1.1')
  // A step that is done always has a result.
  expect(journey().ok('do flight', { body: null }).state.status).toBe('parked')
  expect(onward.reply('undo flight', 'rejected.gone', { body: null }).state.status).toBe('parked')
})

test('the refusal of a forward command that came after its undo is recorded', () => {
  const back = journeyPast('flight').timer('do hotel', 1)
  expect(back.reply('do hotel', 'refused', { body: { reason: 'undone' } }).effects).toEqual([
    'late do hotel 1.1',
  ])
})

test('an answer that contradicts the first one is recorded and moves nothing', () => {
  const forward = journeyPast('flight')
  const no = forward.reply('do flight', 'rejected.full', { body: { left: 0 } })
  expect(no.effects).toEqual(['late do flight 1.1'])
  expect(no.state).toEqual(forward.state)
  const back = undoing()
  expect(back.ok('do pay').effects).toEqual(['late do pay 1.1'])
  expect(back.reply('do pay', 'rejected.declined', declined).changed).toBe(false)
})

test('an undo is sent again with the same request, then parks the saga', () => {
  const again = undoing().timer('undo hotel', 1)
  expect(again.effects).toContain('send undo hotel 1.2')
  expect(again.raw[1]).toMatchObject({ request: { what: 'hotel for b-flight b-hotel' } })
  expect(again.state.steps['hotel']).not.toHaveProperty('do.undoBy')
  const spent = again.timer('undo hotel', 2)
  expect(spent.effects).toEqual(['timed-out undo hotel 1.2', 'cancel undo hotel', 'parked undo hotel'])
  expect(spent.state).toMatchObject({ status: 'parked', stopped: [{ step: 'hotel', direction: 'undo' }] })
  expect(spent.state.reason).toMatch(
    /^SAGA_STEP_UNANSWERED.*trip v2, undo of hotel: no answer within 2 attempts/,
  )
})

test('an undo that is rejected parks the saga', () => {
  const { effects, state } = undoing().reply('undo hotel', 'rejected.tooLate', { body: { fee: 9 } })
  expect(effects).toEqual(['cancel undo hotel', 'rejected undo hotel 1.1', 'parked undo hotel'])
  expect(state.reason).toMatch(/^SAGA_STEP_REFUSED.*trip v2, undo of hotel: rejected.tooLate/)
  expect(state.steps['hotel']?.undo).toMatchObject({
    status: 'rejected',
    rejection: { name: 'tooLate', detail: { fee: 9 } },
  })
})
