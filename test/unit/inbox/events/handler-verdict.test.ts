import { expect, test } from 'vitest'
import { failureKind } from '../../../../src/inbox/failure.ts'
import { neverRetry, postponedMs, retryLater } from '../../../../src/inbox/events/handler-verdict.ts'
import { codeThrownBy } from '../../thrown-code.ts'

test('a handler says that no try can help', () => {
  const cause = new Error('404')
  const thrown = neverRetry('there is no such customer', { cause })
  expect(thrown).toMatchObject({ code: 'HANDLER_REFUSED', retriable: false, cause })
  expect(thrown.message).toContain('there is no such customer.')
  expect(failureKind(thrown, true)).toBe('permanent')
  expect(postponedMs(thrown)).toBeUndefined()
})

test('a handler says when to come again', () => {
  const thrown = retryLater('the bank is closed', { afterMs: 60_000 })
  expect(thrown).toMatchObject({ code: 'HANDLER_POSTPONED', retriable: true })
  expect(failureKind(thrown, true)).toBe('postponed')
  expect(postponedMs(thrown)).toBe(60_000)
  expect(postponedMs(new Error('no'))).toBeUndefined()
})

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('but not after %d ms', (afterMs) => {
  expect(codeThrownBy(() => retryLater('never', { afterMs }))).toBe('CONFIG_INVALID')
})
