import { describe, expect, test } from 'vitest'
import { isBackstitchError } from '../../../src/kernel/errors.ts'
import { explainConnectionError } from '../../../src/postgres/explain-connection-error.ts'

const errorWith = (fields: object, message = 'it failed'): Error => Object.assign(new Error(message), fields)

const explained = (thrown: unknown): unknown => {
  try {
    return explainConnectionError('db:5432/shop')(thrown)
  } catch (error) {
    return error
  }
}

describe('a server that is not there, or not there yet', () => {
  test.each([
    errorWith({ code: 'ECONNREFUSED' }),
    errorWith({ code: 'ENOTFOUND' }),
    errorWith({ code: 'ENOENT', syscall: 'connect' }),
    errorWith({ code: '57P03' }, 'the database system is starting up'),
    errorWith({ code: '53300' }, 'sorry, too many clients already'),
    errorWith({ code: '08006' }),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout expired'),
    new AggregateError([errorWith({ code: 'ECONNREFUSED' }), errorWith({ code: 'ECONNREFUSED' })]),
  ])('%s', (thrown) => {
    const error = explained(thrown)
    expect(isBackstitchError(error, 'DATABASE_UNREACHABLE')).toBe(true)
    expect(error).toMatchObject({ retriable: true, cause: thrown })
    expect((error as Error).message).toContain('db:5432/shop: ')
  })
})

describe('a refusal that trying again cannot help', () => {
  test.each([
    errorWith({ code: '28P01' }, 'password authentication failed for user "u"'),
    errorWith({ code: '28000' }),
    errorWith({ code: '3D000' }, 'database "shop" does not exist'),
    errorWith({ code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
    errorWith({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
    new Error('The server does not support SSL connections'),
    new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
  ])('%s', (thrown) => {
    const error = explained(thrown)
    expect(isBackstitchError(error, 'DATABASE_REFUSED')).toBe(true)
    expect(error).toMatchObject({ retriable: false, cause: thrown })
  })
})

test.each([
  errorWith({ code: '42P01' }, 'relation "outbox" does not exist'),
  errorWith({ code: 'ENOENT', syscall: 'open' }, 'no such file'),
  new Error('anything else'),
  'not even an error',
  null,
])('all else passes as it is: %s', (thrown) => {
  expect(explained(thrown)).toBe(thrown)
})
