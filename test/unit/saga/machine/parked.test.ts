import { describe, expect, test } from 'vitest'
import { journey, journeyPast, trip } from './trip.ts'

const declined = { body: { why: 'no cover' } }
const code = (reason: string | undefined) => /^[A-Z_]+/.exec(reason ?? '')?.[0]
const atPivot = () => journeyPast('flight', 'hotel', 'visa')
const atTicket = () => journeyPast('flight', 'hotel', 'visa', 'pay')
const undoing = (bug = '') =>
  journey(bug).ok('do flight').ok('do hotel').ok('do visa').reply('do pay', 'rejected.declined', declined)

describe('a saga is parked', () => {
  test('by a mapper that throws, at the step that was not begun', () => {
    const { state, effects, raw } = journey('throw flight')
    expect(effects).toEqual(['started', 'parked do flight'])
    expect(state).toMatchObject({
      status: 'parked',
      stopped: [{ step: 'flight', direction: 'do' }],
      steps: {},
    })
    // Postgres holds no NUL in a text.
    expect(state.reason).toMatch(/^SAGA_MAPPER_FAILED.*trip v2, step flight: no such\ufffdfield/)
    expect(raw[1]).toMatchObject({ detail: { reason: state.reason } })
  })

  test('by a request that its contract refuses', () => {
    const { state } = journey('key hotel').ok('do flight')
    expect(state.reason).toMatch(/^SAGA_MAPPER_FAILED.*step hotel: .*the key/)
    expect(state.steps).not.toHaveProperty('hotel')
  })

  test('by the mapper of an undo, and says why it was compensating once it goes on', () => {
    const parked = undoing('throw undo hotel')
    expect(parked.effects.slice(2)).toEqual(['compensating', 'parked undo hotel'])
    expect(code(parked.state.reason)).toBe('SAGA_MAPPER_FAILED')
    expect(parked.state.steps['hotel']).not.toHaveProperty('undo')
    const onward = parked.skip()
    expect(onward.state).toMatchObject({ status: 'compensating', reason: 'step pay was rejected: declined' })
  })

  test('by a pivot without an answer: nobody knows whether it happened', () => {
    const spent = atPivot().timer('do pay', 1).timer('do pay', 2)
    expect(spent.effects).toEqual(['timed-out do pay 1.2', 'cancel do pay', 'parked do pay'])
    expect(spent.state.steps['pay']?.do).toMatchObject({ status: 'unknown', attempt: 2 })
    expect(code(spent.state.reason)).toBe('SAGA_STEP_UNANSWERED')
  })

  test('by a retriable step without an answer', () => {
    const { state } = atTicket().timer('do ticket', 1).timer('do ticket', 2)
    expect(code(state.reason)).toBe('SAGA_STEP_UNANSWERED')
  })

  test('by a retriable step that a foreign participant rejects', () => {
    const { state, effects } = atTicket().reply('do ticket', 'rejected.noPaper', { body: { tray: 2 } })
    expect(effects).toEqual(['cancel do ticket', 'rejected do ticket 1.1', 'parked do ticket'])
    expect(code(state.reason)).toBe('SAGA_STEP_REFUSED')
    expect(state.steps['ticket']?.do.rejection).toEqual({ name: 'noPaper', detail: null })
  })

  test.each([
    ['an ok whose body does not fit', 'ok', { booking: 7 }, /the reply ok: booking: /],
    ['an outcome that is none', 'perhaps', undefined, /the reply perhaps: neither ok nor rejected/],
    ['a rejection without a name', 'rejected.', undefined, /neither ok nor rejected/],
  ])('by %s: the leg stays in doubt', (_what, outcome, body, words) => {
    const { state, effects } = journey().reply('do flight', outcome, { body })
    expect(effects).toEqual(['cancel do flight', 'parked do flight'])
    expect(state.steps['flight']?.do.status).toBe('unknown')
    expect(code(state.reason)).toBe('SAGA_REPLY_INVALID')
    expect(state.reason).toMatch(words)
  })

  test.each([
    ['an unknown name', 'rejected.closed', {}, /no such rejection/],
    ['the name of a member of every object', 'rejected.constructor', {}, /no such rejection/],
    ['a body that does not fit', 'rejected.full', { left: 'none' }, /rejected.full: left: /],
  ])('by a rejection with %s: it is a no all the same', (_what, outcome, body, words) => {
    const { state, effects } = journey().reply('do flight', outcome, { body })
    expect(effects).toEqual(['cancel do flight', 'rejected do flight 1.1', 'parked do flight'])
    expect(state.steps['flight']?.do).toMatchObject({ status: 'rejected', rejection: { detail: null } })
    expect(code(state.reason)).toBe('SAGA_REPLY_INVALID')
    expect(state.reason).toMatch(words)
  })

  test('by an ok that JSON cannot hold, which would come back from the database as another', () => {
    const { state } = journey().reply('do flight', 'ok', { body: { booking: 1n } })
    expect(code(state.reason)).toBe('SAGA_REPLY_INVALID')
  })
})

describe('an answer to the leg that parked the saga', () => {
  test('lets it go on when it can be read', () => {
    const parked = atPivot().timer('do pay', 1).timer('do pay', 2)
    const onward = parked.ok('do pay')
    expect(onward.effects).toEqual([
      'cancel do pay',
      'ok do pay 1.1',
      'send do ticket 1.1',
      'schedule do ticket 1.1 30000',
      'sent do ticket 1.1',
    ])
    expect(onward.state.status).toBe('running')
    expect(onward.state).not.toHaveProperty('reason')
    const no = parked.reply('do pay', 'rejected.declined', declined)
    expect(no.state).toMatchObject({ status: 'compensating', reason: 'step pay was rejected: declined' })
  })

  test('lets compensation go on', () => {
    const onward = undoing().timer('undo hotel', 1).timer('undo hotel', 2).ok('undo hotel')
    expect(onward.state).toMatchObject({
      status: 'compensating',
      turnedBy: 'step pay was rejected: declined',
      reason: 'step pay was rejected: declined',
    })
  })

  test('changes nothing when it cannot be read either', () => {
    const parked = journey().reply('do flight', 'ok', { body: 1 })
    expect(parked.reply('do flight', 'ok', { body: 2 }).changed).toBe(false)
  })
})

describe('retry', () => {
  test('runs a mapper that failed again, once the definition is corrected', () => {
    const parked = journey('throw hotel').ok('do flight')
    const still = parked.retry()
    expect(still.effects).toEqual(['retried do hotel', 'parked do hotel'])
    expect(still.raw[0]).toMatchObject({ detail: { reason: 'because', actor: 'ada' } })
    const request = { trip: 't-1', what: 'corrected' }
    const corrected = { ...trip, steps: trip.steps.map((step) => ({ ...step, with: () => request })) }
    const onward = parked.under(corrected).retry()
    expect(onward.effects).toEqual([
      'retried do hotel',
      'send do hotel 1.1',
      'schedule do hotel 1.1 30000',
      'sent do hotel 1.1',
    ])
    expect(onward.state.status).toBe('running')
    expect(onward.state).not.toHaveProperty('reason')
  })

  test('runs the mapper of an undo again', () => {
    const { effects } = undoing('throw undo hotel').retry()
    expect(effects).toEqual(['retried undo hotel', 'parked undo hotel'])
  })

  test('stays in the round while the outcome is unknown, with all attempts again (attacks D27)', () => {
    const parked = atPivot().timer('do pay', 1).timer('do pay', 2)
    const third = parked.retry()
    expect(third.effects).toEqual([
      'retried do pay',
      'send do pay 1.3',
      'schedule do pay 1.3 30000',
      'sent do pay 1.3',
    ])
    expect(third.raw[1]).toMatchObject({ request: parked.state.steps['pay']?.do.request })
    expect(third.state.status).toBe('running')
    const fourth = third.timer('do pay', 3)
    expect(fourth.effects).toContain('send do pay 1.4')
    expect(fourth.timer('do pay', 4).state.status).toBe('parked')
    expect(fourth.ok('do pay', { attempt: 1 }).waiting).toEqual(['do ticket'])
  })

  test('begins the next round after a rejection', () => {
    const refused = undoing().reply('undo hotel', 'rejected.tooLate', { body: { fee: 9 } })
    const again = refused.retry()
    expect(again.effects).toContain('send undo hotel 2.1')
    expect(again.state).toMatchObject({ status: 'compensating', reason: 'step pay was rejected: declined' })
    expect(again.state.steps['hotel']?.undo).not.toHaveProperty('rejection')
    expect(again.ok('undo hotel').changed).toBe(false)
    expect(again.ok('undo hotel', { round: 2 }).effects).toContain('send undo flight 1.1')
  })

  test('of a step lets its undo begin in the round that is to be undone', () => {
    const again = journey().reply('do flight', 'rejected.closed').retry()
    expect(again.effects).toContain('send do flight 2.1')
    const back = again.ok('do flight', { round: 2 }).reply('do hotel', 'rejected.full', { body: { left: 0 } })
    expect(back.effects).toContain('send undo flight 2.1')
  })

  test('goes on from a leg that still waited when the shell parked the saga', () => {
    const parked = journey().interrupt()
    expect(parked.state).toMatchObject({ status: 'parked', stopped: [], reason: 'SAGA_MESSAGE_FAILED' })
    expect(parked.timer('do flight', 1).changed).toBe(false)
    const { effects, state } = parked.retry()
    expect(effects).toContain('send do flight 1.2')
    expect(state.status).toBe('running')
    expect(parked.ok('do flight').effects).toContain('send do hotel 1.1')
    expect(parked.skip().effects).toEqual(['skipped do flight', 'parked do hotel'])
  })
})

describe('skip', () => {
  test('of an undo leaves the step as it is and lets compensation go on', () => {
    const { effects, state } = undoing().timer('undo hotel', 1).timer('undo hotel', 2).skip()
    expect(effects).toEqual([
      'skipped undo hotel',
      'send undo flight 1.1',
      'schedule undo flight 1.1 7000',
      'sent undo flight 1.1',
    ])
    expect(state.steps['hotel']?.undo).toMatchObject({ status: 'skipped', attempt: 2 })
    expect(state.status).toBe('compensating')
  })

  test('of an undo that was never sent', () => {
    const { state } = undoing('throw undo hotel').skip()
    expect(state.steps['hotel']?.undo).toEqual({
      status: 'skipped',
      round: 1,
      attempt: 0,
      request: null,
      key: '',
    })
  })

  test('of a retriable step lets the saga go forward', () => {
    const { effects, state } = atTicket().reply('do ticket', 'rejected.noPaper').skip()
    expect(effects[0]).toBe('skipped do ticket')
    expect(effects).toContain('send do mail 1.1')
    expect(state.status).toBe('running')
    expect(state).not.toHaveProperty('reason')
  })

  test('of the pivot lets the saga go forward without its result', () => {
    const { raw } = atPivot().timer('do pay', 1).timer('do pay', 2).skip()
    expect(raw[1]).toMatchObject({ kind: 'send', step: 'ticket', request: { what: 'unpaid' } })
  })

  test('of the last step completes the saga', () => {
    const parked = atTicket().ok('do ticket').reply('do mail', 'rejected.noPaper')
    expect(parked.skip().state.status).toBe('completed')
  })

  test('of a step that may have run: it is undone later, and its late answer is recorded', () => {
    const skipped = journeyPast('flight').reply('do hotel', 'ok', { body: 1 }).skip()
    expect(skipped.effects).toContain('send do visa 1.1')
    expect(skipped.ok('do hotel').effects).toEqual(['late do hotel 1.1'])
    const back = skipped.reply('do visa', 'rejected.missing', { body: {} })
    expect(back.raw.find(({ kind }) => kind === 'send')).toMatchObject({
      step: 'hotel',
      direction: 'undo',
      request: { what: 'hotel for b-flight unknown' },
    })
  })

  test('of a step that was rejected, or never sent: it is not undone', () => {
    const rejected = journeyPast('flight').reply('do hotel', 'rejected.closed').skip()
    const neverSent = journey('throw hotel').ok('do flight').skip()
    for (const skipped of [rejected, neverSent])
      expect(skipped.reply('do visa', 'rejected.missing', { body: {} }).effects).toContain(
        'send undo flight 1.1',
      )
    expect(neverSent.state.steps['hotel']?.do).toEqual({
      status: 'skipped',
      round: 1,
      attempt: 0,
      request: null,
      key: '',
    })
  })
})

describe('an operator’s verb', () => {
  test.each([
    ['a running saga', journey()],
    ['a compensating saga', undoing()],
    ['a completed saga', atTicket().ok('do ticket').ok('do mail')],
    ['a compensated saga', undoing().ok('undo hotel').ok('undo flight')],
  ])('is refused for %s', (what, saga) => {
    const status = what.split(' ')[1] ?? ''
    for (const verb of ['retry', 'skip'] as const)
      expect(() => saga[verb]()).toThrow(
        new RegExp(`^SAGA_STATE_REFUSES.*trip v2: ${verb} .* this one is ${status}`),
      )
  })
})

describe('a definition that was edited in place', () => {
  const without = (...names: readonly string[]) => ({
    ...trip,
    steps: trip.steps.filter(({ name }) => !names.includes(name)),
  })
  const undoless = {
    ...trip,
    steps: trip.steps.map(({ undo: _undo, ...step }) => step),
  }

  test('and has lost the step that is waited for parks the saga at its answer, its timer, and any verb', () => {
    const waiting = journey().under(without('flight'))
    const answered = waiting.ok('do flight')
    expect(answered.effects).toEqual(['cancel do flight', 'parked do flight'])
    expect(code(answered.state.reason)).toBe('SAGA_DEFINITION_UNKNOWN')
    expect(answered.ok('do flight').changed).toBe(false)
    expect(() => answered.retry()).toThrow(/^SAGA_DEFINITION_UNKNOWN/)
    expect(() => answered.skip()).toThrow(/^SAGA_DEFINITION_UNKNOWN/)
    expect(waiting.timer('do flight', 1).effects).toEqual([
      'timed-out do flight 1.1',
      'cancel do flight',
      'parked do flight',
    ])
    expect(answered.under(trip).ok('do flight').effects).toContain('send do hotel 1.1')
  })

  test.each([
    ['the step', without('hotel')],
    ['the undo', undoless],
    [
      'the contract of the undo',
      {
        ...trip,
        steps: trip.steps.map((step) =>
          step.undo
            ? { ...step, undo: { ...step.undo, command: { ...step.undo.command, version: 2 } } }
            : step,
        ),
      },
    ],
  ])('and has lost %s of what is to be undone parks the saga, and can be skipped', (_what, definition) => {
    const parked = atPivot().under(definition).reply('do pay', 'rejected.declined', declined)
    expect(parked.effects).toContain('parked undo hotel')
    expect(code(parked.state.reason)).toBe('SAGA_DEFINITION_UNKNOWN')
    expect(parked.under(trip).retry().effects).toContain('send undo hotel 1.1')
    expect(parked.under(trip).skip().effects).toContain('send undo flight 1.1')
  })

  test('and has lost an undo that is waited for parks the saga at its answer', () => {
    expect(code(undoing().under(undoless).ok('undo hotel').state.reason)).toBe('SAGA_DEFINITION_UNKNOWN')
  })

  const booksOther = {
    ...trip,
    steps: trip.steps.map((step) => ({ ...step, command: { ...step.command, version: 2 } })),
  }
  const undoesOther = {
    ...trip,
    steps: trip.steps.map((step) =>
      step.undo
        ? { ...step, undo: { ...step.undo, command: { ...step.undo.command, name: 'other' } } }
        : step,
    ),
  }

  test('and sends another command now: the old request is not sent with it, by no timer and by no operator', () => {
    const parked = journey().under(booksOther).timer('do flight', 1)
    expect(parked.effects).toEqual(['timed-out do flight 1.1', 'cancel do flight', 'parked do flight'])
    expect(parked.state.reason).toMatch(/^SAGA_DEFINITION_UNKNOWN.*flight\.book v1 was sent/)
    expect(() => parked.retry()).toThrow(/^SAGA_DEFINITION_UNKNOWN/)
    expect(parked.under(trip).retry().effects).toContain('send do flight 1.2')
    expect(parked.under(trip).ok('do flight').effects).toContain('send do hotel 1.1')

    const undo = undoing().under(undoesOther).timer('undo hotel', 1)
    expect(undo.effects).toContain('parked undo hotel')
    expect(undo.skip().effects).toContain('parked undo flight')
  })

  test('and undoes with another command now: a later attempt leaves what was named with the first one', () => {
    const again = journey().under(undoesOther).timer('do flight', 1)
    expect(again.effects).toContain('send do flight 1.2')
    expect(again.state.steps['flight']?.undoBy).toEqual({ name: 'flight.cancel', version: 1 })
    const turned = again
      .under(trip)
      .ok('do flight')
      .reply('do hotel', 'rejected.full', { body: { left: 0 } })
    expect(turned.effects).toContain('send undo flight 1.1')
  })

  test('and undoes what it did not undo before: only what was named when the step was sent is undone', () => {
    const began = journey('', undoless).ok('do flight').under(trip)
    expect(began.reply('do hotel', 'rejected.full', { body: { left: 0 } }).state.status).toBe('compensated')
  })

  test('and orders its steps anew: compensation goes back along the order in which they ran', () => {
    const reordered = { ...trip, steps: [...trip.steps].reverse() }
    const back = atPivot().under(reordered).reply('do pay', 'rejected.declined', declined)
    expect(back.ok('undo hotel').effects).toContain('send undo flight 1.1')
  })
})
