import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { errorCatalogue } from '../../../src/kernel/error-catalogue.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../../../src/kernel/errors.ts'

describe('BackstitchError', () => {
  test('says the code, what happened, where, and what to do', () => {
    const error = new BackstitchError('MESSAGE_INVALID', 'order.placed v1: total: expected an integer')
    expect(error.message).toBe(
      'MESSAGE_INVALID: A message does not fit its contract. order.placed v1: total: expected an integer. ' +
        'Correct the fields that are named; nothing was written, and the transaction is still usable.',
    )
    expect(error).toMatchObject({
      name: 'BackstitchError',
      code: 'MESSAGE_INVALID',
      retriable: false,
      details: {},
    })
    expect(error).toBeInstanceOf(Error)
  })

  test('ends the place with one full stop', () => {
    expect(new BackstitchError('CONFIG_INVALID', 'relay: unknown key.').message).toContain(
      'relay: unknown key. Correct',
    )
  })

  test('takes over whether trying again can help', () => {
    expect(new BackstitchError('KAFKA_UNREACHABLE', 'localhost:9092').retriable).toBe(true)
  })

  test('keeps its cause and its details, and shows no cause where there is none', () => {
    const cause = new Error('connect ECONNREFUSED')
    const error = new BackstitchError('DATABASE_UNREACHABLE', 'orders', {
      cause,
      details: { database: 'orders' },
    })
    expect(error.cause).toBe(cause)
    expect(error.details).toEqual({ database: 'orders' })
    expect(inspect(new BackstitchError('DATABASE_UNREACHABLE', 'orders'))).not.toContain('cause')
  })
})

describe('isBackstitchError', () => {
  test('tells errors of ours, and of one code', () => {
    const error = new BackstitchError('SCHEMA_MISSING', 'backstitch.outbox')
    expect(isBackstitchError(error)).toBe(true)
    expect(isBackstitchError(error, 'SCHEMA_MISSING')).toBe(true)
    expect(isBackstitchError(error, 'SCHEMA_NEWER')).toBe(false)
  })

  test('knows the error of another installed copy of the package', () => {
    const foreign = Object.assign(new Error('from the other copy'), {
      [Symbol.for('backstitch.error')]: true,
      code: 'SCHEMA_MISSING',
    })
    expect(foreign).not.toBeInstanceOf(BackstitchError)
    expect(isBackstitchError(foreign, 'SCHEMA_MISSING')).toBe(true)
  })

  test.each([
    undefined,
    null,
    'SCHEMA_MISSING',
    7,
    {},
    new Error('SCHEMA_MISSING'),
    { code: 'SCHEMA_MISSING' },
  ])('refuses %s', (value) => {
    expect(isBackstitchError(value, 'SCHEMA_MISSING')).toBe(false)
  })
})

describe('reasonOf', () => {
  test.each<[string, unknown, string]>([
    ['an error', new Error('disk full'), 'disk full'],
    ['a text', 'disk full', 'disk full'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a symbol', Symbol('disk'), 'Symbol(disk)'],
    ['a bigint', 7n, '7'],
    ['an error without a message', new TypeError(''), 'TypeError'],
    ['an empty text', '', 'an error without a message'],
    ['an object that is no text', Object.create(null), 'an error without a message'],
    [
      'what Node throws when no address of a host answers',
      new AggregateError([
        new Error('connect ECONNREFUSED ::1:5432'),
        new Error('connect ECONNREFUSED 127.0.0.1:5432'),
      ]),
      'connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432',
    ],
    [
      'an aggregate with words of its own',
      new AggregateError([new Error('a')], 'both failed'),
      'both failed',
    ],
  ])('of %s', (_, thrown, reason) => {
    expect(reasonOf(thrown)).toBe(reason)
  })

  test('of a getter that throws does not throw', () => {
    const hostile = new Error('x')
    Object.defineProperty(hostile, 'message', {
      get: () => {
        throw new Error('gotcha')
      },
    })
    expect(reasonOf(hostile)).toBe('an error without a message')
  })

  test('is a text that Postgres can hold, of at most 4,000 characters', () => {
    expect(reasonOf(new Error('a\0b\ud800c'))).toBe('a\ufffdb\ufffdc')
    const long = reasonOf(new Error(`${'x'.repeat(3_999)}😀`))
    expect(long).toHaveLength(4_000)
    expect(long.isWellFormed()).toBe(true)
  })
})

describe('the catalogue', () => {
  test.each(Object.entries(errorCatalogue))(
    '%s is named by its kind and speaks in sentences',
    (code, entry) => {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(entry.summary).toMatch(/^[A-Z].*\.$/)
      expect(entry.action).toMatch(/^[A-Z].*[.”]$/)
      expect(typeof entry.retriable).toBe('boolean')
    },
  )
})
