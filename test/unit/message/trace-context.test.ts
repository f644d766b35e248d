import { describe, expect, test } from 'vitest'
import type { Message } from '../../../src/message/message.ts'
import {
  currentTrace,
  inTraceOf,
  traceOfHandler,
  validTraceContext,
  withTrace,
} from '../../../src/message/trace-context.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const message: Message = {
  id: '01a20cc2-4336-771b-90d2-d9c3fc145ea7',
  aggregateType: 'order',
  key: 'o-1',
  type: 'order.placed',
  version: 1,
  body: {},
  headers: {},
  context: { correlationId: 'c' },
}

describe('a trace context', () => {
  test.each([
    traceparent,
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings',
  ])('with the traceparent %s is kept', (valid) => {
    expect(validTraceContext({ traceparent: valid })).toEqual({ traceparent: valid })
  })

  test.each([
    '',
    'garbage',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    '00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
    `cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-${'x'.repeat(300)}`,
    `${traceparent}\n`,
    17 as unknown as string,
  ])('with the traceparent %j is dropped as a whole', (invalid) => {
    expect(validTraceContext({ traceparent: invalid, tracestate: 'a=1' })).toEqual({})
  })

  test.each(['congo=t61rcWkgMzE', 'a@b=1 2,c/d=3', 'a=1, b=2,,', '0tenant@system=x'])(
    'keeps the tracestate %s',
    (tracestate) => {
      expect(validTraceContext({ traceparent, tracestate })).toEqual({ traceparent, tracestate })
    },
  )

  test.each([
    '',
    ',',
    'novalue',
    'A=1',
    'a=b=c',
    'a=\u0001',
    'a=é',
    `a=${'x'.repeat(600)}`,
    `${'a=1,'.repeat(33)}b=1`,
  ])('drops the tracestate %j alone', (tracestate) => {
    expect(validTraceContext({ traceparent, tracestate })).toEqual({ traceparent })
  })
})

describe('a message', () => {
  test('gets the trace of the source, unless it has one', () => {
    expect(withTrace(message, () => ({ traceparent, tracestate: 'a=1' })).context).toEqual({
      correlationId: 'c',
      traceparent,
      tracestate: 'a=1',
    })
    const own = { ...message, context: { traceparent: 'own' } }
    expect(withTrace(own, () => ({ traceparent }))).toBe(own)
  })

  test('is sent without one where the source has none, says nonsense, or throws', () => {
    for (const source of [
      () => undefined,
      () => ({}),
      () => ({ traceparent: 'nonsense' }),
      (): never => {
        throw new Error('the tracer is broken')
      },
    ])
      expect(withTrace(message, source)).toBe(message)
  })
})

test('what runs for a message is in its trace, however deep, and what runs for one without is in none', async () => {
  expect(traceOfHandler()).toBeUndefined()
  await inTraceOf({ traceparent }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(currentTrace(traceOfHandler)).toEqual({ traceparent })
    inTraceOf({}, () => expect(currentTrace(traceOfHandler)).toEqual({}))
  })
  expect(traceOfHandler()).toBeUndefined()
})
