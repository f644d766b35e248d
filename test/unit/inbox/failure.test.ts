import { expect, test } from 'vitest'
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
  ['HANDLER_RESULT_INVALID', 'count'],
  ['MESSAGE_INVALID', 'count'],
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

test('whatever else a handler throws may be the message’s fault', () => {
  for (const thrown of [new Error('x'), undefined, 'text', { code: 'ECONNREFUSED' }])
    expect(failureKind(thrown)).toBe('count')
})
