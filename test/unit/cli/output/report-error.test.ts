import { expect, test } from 'vitest'
import { exitCodeOf } from '../../../../src/cli/output/exit-code.ts'
import { reportError } from '../../../../src/cli/output/report-error.ts'
import type { ErrorCode } from '../../../../src/kernel/error-catalogue.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'

test('an error is one line: code, what, where, what to do', () => {
  const error = new BackstitchError('SAGA_NOT_FOUND', '0192', { cause: new Error('below') })
  expect(reportError(error, false)).toBe(
    'SAGA_NOT_FOUND: There is no saga with this id. 0192. Check the id with `backstitch saga list`.\n',
  )
})

test('the stack and the causes come with verbose alone', () => {
  const error = new BackstitchError('MIGRATION_FAILED', '0001-outbox', { cause: new Error('below') })
  expect(reportError(error, true)).toMatch(/ at .*report-error\.test\.ts[\s\S]*below/)
})

test('what nobody foresaw has a code too', () => {
  expect(reportError(new RangeError('too far'), false)).toMatch(/^UNEXPECTED: .* too far\. .*--verbose/)
  expect(reportError('thrown as it is', false)).toMatch(/^UNEXPECTED: .* thrown as it is\./)
})

test.each<[ErrorCode, number]>([
  ['DATABASE_UNREACHABLE', 1],
  ['MIGRATION_FAILED', 1],
  ['ACTOR_MISSING', 2],
  ['CONFIG_INVALID', 2],
  ['CONFIG_NOT_FOUND', 2],
  ['REASON_MISSING', 2],
  ['ROW_NOT_FOUND', 4],
  ['ROW_STATE_REFUSES', 5],
  ['SAGA_NOT_FOUND', 4],
  ['CONFIRMATION_MISSING', 5],
  ['SAGA_STATE_REFUSES', 5],
])('%s ends with %i', (code, exitCode) => {
  expect(exitCodeOf(new BackstitchError(code, 'x'))).toBe(exitCode)
})

test('any other error is a failure', () => {
  expect(exitCodeOf(new Error('x'))).toBe(1)
})
