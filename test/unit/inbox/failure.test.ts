import { expect, test } from 'vitest'
import { z } from 'zod'
import { failureKind } from '../../../src/inbox/failure.ts'
import type { ErrorCode } from '../../../src/kernel/error-catalogue.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'

test.each<[ErrorCode, string]>([
  ['TRANSACTION_CONFLICT', 'conflict'],
  ['DATABASE_UNREACHABLE', 'wait'],
  ['DATABASE_FAILING', 'wait'],
  ['DATABASE_IS_STANDBY', 'wait'],
  ['DATABASE_REFUSED', 'wait'],
  ['SCHEMA_MISSING', 'wait'],
  ['STOP_DEADLINE_PASSED', 'wait'],
  ['HANDLER_FAILED', 'count'],
  ['HANDLER_REFUSED', 'permanent'],
  ['HANDLER_RESULT_INVALID', 'permanent'],
  ['MESSAGE_INVALID', 'permanent'],
  ['MESSAGE_MALFORMED', 'permanent'],
  ['MESSAGE_TOO_LARGE', 'permanent'],
  ['TRANSACTION_ABORTED', 'count'],
])('%s: %s', (code, kind) => {
  expect(failureKind(new BackstitchError(code, 'here'))).toBe(kind)
})

const failing = (sqlState: string): BackstitchError =>
  new BackstitchError('DATABASE_FAILING', 'here', { details: { sqlState } })

test.each<[string, BackstitchError, string]>([
  ['a full table of locks', failing('53200'), 'count'],
  ['a missing file', failing('58P01'), 'count'],
  ['a full disk', failing('53100'), 'wait'],
  ['a write in a read-only transaction', new BackstitchError('DATABASE_IS_STANDBY', 'here'), 'count'],
  ['a lost connection', new BackstitchError('DATABASE_UNREACHABLE', 'here'), 'lost'],
  ['missing tables', new BackstitchError('SCHEMA_MISSING', 'here'), 'wait'],
  ['a deadlock', new BackstitchError('TRANSACTION_CONFLICT', 'here'), 'conflict'],
])('%s, where the handler met it', (_, thrown, kind) => {
  expect(failureKind(thrown, true)).toBe(kind)
})

const stated = (code: string): Error => Object.assign(new Error('x'), { code, severity: 'ERROR' })

test.each<[string, unknown, string]>([
  ['a text that is no number', stated('22P02'), 'permanent'],
  [
    'a division by zero, wrapped by a query builder',
    new Error('failed', { cause: stated('22012') }),
    'permanent',
  ],
  ['a column that must not be null', stated('23502'), 'permanent'],
  ['a check', stated('23514'), 'permanent'],
  ['a row that may come yet', stated('23503'), 'count'],
  ['a row that may go yet', stated('23505'), 'count'],
  ['a table that may come with a migration', stated('42P01'), 'count'],
  ['what a schema refuses', z.string().safeParse(1).error, 'permanent'],
  ['a code of another origin', { code: '22P02' }, 'count'],
])('%s: another try %s', (_, thrown, kind) => {
  expect(failureKind(thrown, true)).toBe(kind)
})

test('whatever else a handler throws may be the message’s fault', () => {
  for (const thrown of [new Error('x'), undefined, 'text', { code: 'ECONNREFUSED' }])
    expect(failureKind(thrown)).toBe('count')
})
