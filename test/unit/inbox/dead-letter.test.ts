import { expect, test } from 'vitest'
import { deadLetterOf } from '../../../src/inbox/dead-letter.ts'
import { recordWith } from './records.ts'

const about = { group: 'g', messageId: 'm', attempts: 1, order: 'key' } as const

test('a stack is kept without what Postgres cannot hold, and left out where it is no text', () => {
  const thrown = new Error('no\0 way')
  thrown.stack = 'Error: no\0 way\n  at here'
  expect(deadLetterOf(recordWith({}), { ...about, thrown }).stack).toBe('Error: no\uFFFD way\n  at here')
  // as an `Error.prepareStackTrace` of the application may leave it
  Object.assign(thrown, { stack: [{ getLineNumber: () => 1 }] })
  expect(deadLetterOf(recordWith({}), { ...about, thrown })).not.toHaveProperty('stack')
})
