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

test('whatever else a handler throws may be the message’s fault', () => {
  for (const thrown of [new Error('x'), undefined, 'text', { code: 'ECONNREFUSED' }])
    expect(failureKind(thrown)).toBe('count')
})
