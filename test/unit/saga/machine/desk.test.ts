import { describe, expect, test } from 'vitest'
import { journey, journeyPast } from './trip.ts'

const declined = { body: { why: 'no cover' } }
const atPivot = () => journeyPast('flight', 'hotel', 'visa')
const unanswered = () => atPivot().timer('do pay', 1).timer('do pay', 2)
const undoing = () => atPivot().reply('do pay', 'rejected.declined', declined)
const done = () => journeyPast('flight', 'hotel', 'visa', 'pay', 'ticket', 'mail')

describe('cancel', () => {
  test('lets what is on its way arrive and undoes what was done', () => {
    const cancelled = journeyPast('flight').steer('cancel')
    expect(cancelled.effects).toEqual(['cancelled', 'compensating'])
    expect(cancelled.waiting).toEqual(['do hotel'])
    const back = cancelled.ok('do hotel')
    expect(back.waiting).toEqual(['undo hotel'])
    expect(back.ok('undo hotel').ok('undo flight').state).toMatchObject({
      status: 'compensated',
      reason: 'cancelled by ada: because',
    })
  })

  test('of a parked saga needs no other verb', () => {
    expect(journey('throw hotel').ok('do flight').steer('cancel').waiting).toEqual(['undo flight'])
  })

  test.each([
    ['once the pivot was sent', atPivot()],
    ['once the pivot has parked it', unanswered()],
    ['after the pivot', atPivot().ok('do pay')],
    ['while it undoes', undoing()],
    ['when it has ended', done()],
    ['while it is held', journey().steer('hold')],
  ])('is refused %s', (_what, saga) => {
    expect(() => saga.steer('cancel')).toThrow(/^SAGA_STATE_REFUSES.*trip v2: cancel/)
  })
})

describe('compensate', () => {
  test('of a saga that is parked over its pivot: the operator vouches that it has not happened', () => {
    const back = unanswered().steer('compensate')
    expect(back.waiting).toEqual(['undo hotel'])
    expect(back.ok('do pay').effects).toEqual(['late do pay 1.1'])
  })

  test.each([
    ['of a running saga', journey()],
    ['after the pivot', atPivot().ok('do pay').reply('do ticket', 'rejected.noPaper', { body: {} })],
    ['of one that is parked over an undo', undoing().timer('undo hotel', 1).timer('undo hotel', 2)],
    ['of one that has ended', done()],
  ])('is refused %s', (_what, saga) => {
    expect(() => saga.steer('compensate')).toThrow(/^SAGA_STATE_REFUSES.*trip v2: compensate/)
  })
})

describe('hold', () => {
  test('begins nothing and sends nothing again until it is resumed', () => {
    const held = journey().steer('hold')
    expect(held.state).toMatchObject({ status: 'parked', held: 'held by ada: because' })
    const answered = held.ok('do flight')
    expect([answered.waiting, answered.state.status]).toEqual([[], 'parked'])
    expect(answered.steer('resume').waiting).toEqual(['do hotel'])
    const silent = held.timer('do flight', 1)
    expect(silent.effects).toEqual(['timed-out do flight 1.1'])
    expect(silent.steer('resume').effects).toContain('send do flight 1.2')
    const resumed = held.steer('resume')
    expect([resumed.state.status, resumed.waiting]).toEqual(['running', ['do flight']])
    expect(resumed.state).not.toHaveProperty('reason')
    expect(resumed.state).not.toHaveProperty('held')
  })

  test('of a saga that turns round meanwhile', () => {
    const back = atPivot().steer('hold').reply('do pay', 'rejected.declined', declined)
    expect([back.waiting, back.state.status]).toEqual([[], 'parked'])
    expect(back.steer('resume').waiting).toEqual(['undo hotel'])
  })

  test('of a parked saga leaves it parked over the same leg', () => {
    const held = unanswered().steer('hold')
    expect(() => held.retry()).toThrow(/SAGA_STATE_REFUSES.*retry: it is held/)
    const resumed = held.steer('resume')
    expect([resumed.state.status, resumed.stopped]).toEqual(['parked', ['do pay']])
    expect(resumed.state.reason).toMatch(/^SAGA_STEP_UNANSWERED/)
    expect(resumed.retry().waiting).toEqual(['do pay'])
  })

  test('is refused twice and at the end; resume without it', () => {
    expect(() => journey().steer('hold').steer('hold')).toThrow(/SAGA_STATE_REFUSES.*hold: it is held/)
    expect(() => done().steer('hold')).toThrow(
      /SAGA_STATE_REFUSES.*has not ended|SAGA_STATE_REFUSES.*completed/,
    )
    expect(() => journey().steer('resume')).toThrow(/SAGA_STATE_REFUSES.*resume is for sagas that are held/)
  })
})

describe('substitute', () => {
  test('settles what has stopped with a result of the operator’s', () => {
    const onward = unanswered().substitute({ booking: 'by phone' })
    expect(onward.effects[0]).toBe('substituted do pay')
    expect(onward.raw.find(({ kind }) => kind === 'send')).toMatchObject({ request: { what: 'by phone' } })
  })

  test('of a step that was never sent: it has no undo to send', () => {
    const onward = journey('throw hotel').ok('do flight').substitute({ booking: 'by phone' })
    expect(onward.waiting).toEqual(['do visa'])
    expect(onward.state.steps['hotel']).toMatchObject({ after: ['flight'], do: { status: 'ok', attempt: 0 } })
    expect(onward.reply('do visa', 'rejected.missing', { body: {} }).waiting).toEqual(['undo flight'])
  })

  test('of a rejection that no contract knows, and of an undo', () => {
    const foreign = journey().reply('do flight', 'rejected.closed').substitute({ booking: 'b' })
    expect(foreign.state.steps['flight']?.do).not.toHaveProperty('rejection')
    expect(foreign.waiting).toEqual(['do hotel'])
    const undone = undoing().timer('undo hotel', 1).timer('undo hotel', 2).substitute({ booking: 'x' })
    expect(undone.waiting).toEqual(['undo flight'])
  })

  test('is refused for a result that does not fit, and unless parked', () => {
    expect(() => unanswered().substitute({ booking: 7 })).toThrow(/^MESSAGE_INVALID.*step pay: .*booking/)
    expect(() => journey().substitute({ booking: 'x' })).toThrow('SAGA_STATE_REFUSES')
  })
})

describe('resolve', () => {
  test('ends a parked saga as the operator says, and nothing moves it any more', () => {
    const resolved = unanswered().resolve('completed')
    expect(resolved.effects).toEqual(['resolved', 'completed'])
    expect(resolved.raw[0]).toMatchObject({ detail: { as: 'completed', reason: 'because', actor: 'ada' } })
    expect(resolved.state).toMatchObject({
      status: 'completed',
      stopped: [],
      reason: 'resolved by ada: because',
    })
    expect(resolved.ok('do pay').changed).toBe(false)
    const held = journey().steer('hold').resolve('compensated')
    expect(held.effects).toEqual(['cancel do flight', 'resolved', 'compensated'])
    expect(held.state).not.toHaveProperty('held')
  })

  test('is refused unless parked', () => {
    expect(() => journey().resolve('completed')).toThrow(/SAGA_STATE_REFUSES.*resolve is for parked sagas/)
  })
})
