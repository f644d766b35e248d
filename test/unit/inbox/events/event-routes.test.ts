import { expect, test } from 'vitest'
import { z } from 'zod'
import { assertFormats, eventRoutes, eventTopics } from '../../../../src/inbox/events/event-routes.ts'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import { onBatch } from '../../../../src/inbox/events/on-batch.ts'
import { upcast } from '../../../../src/inbox/events/upcaster.ts'
import { raw } from '../../../../src/inbox/formats/raw.ts'
import { recordReader } from '../../../../src/inbox/record-reader.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { event } from '../../../../src/message/event.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { codeThrownBy } from '../../thrown-code.ts'
import { messageHeaders, recordWith } from '../records.ts'

const prefix = 'outbox.event.'
const versioned = <Payload extends z.ZodType<{ id: string }>>(version: number, payload: Payload) =>
  event('order.placed', { version, key: (order) => order.id, payload })
const V1 = versioned(1, z.object({ id: z.string(), total: z.int() }))
const V2 = versioned(
  2,
  z.object({ id: z.string(), amount: z.object({ value: z.int(), currency: z.string() }) }),
)
const V3 = versioned(3, z.object({ id: z.string(), cents: z.bigint() }))
const to2 = upcast(V1, V2, ({ id, total }) => ({ id, amount: { value: total, currency: 'EUR' } }))
const to3 = upcast(V2, V3, ({ id, amount }) => ({ id, cents: BigInt(amount.value) * 100n }))

const readingOf = (routes: ReturnType<typeof eventRoutes>, version: string, value: unknown) =>
  recordReader(routes, { codec: jsonCodec, limits: defaultBodyLimits, unrouted: 'skip' })(
    recordWith({ value, headers: messageHeaders('order.placed', { version }) }),
  )

test('older versions reach the newest handler, step by step, and say what they were', () => {
  const handler = on(V3, () => undefined)
  const routes = eventRoutes([handler], [to3, to2], prefix)
  const bodies = { 1: { id: 'o', total: 5 }, 2: { id: 'o', amount: { value: 5, currency: 'EUR' } } }
  for (const [version, value] of Object.entries(bodies))
    expect(readingOf(routes, version, value)).toMatchObject({
      kind: 'message',
      target: handler,
      message: {
        type: 'order.placed',
        version: 3,
        body: { id: 'o', cents: 500n },
        writtenAs: { type: 'order.placed', version: Number(version) },
      },
    })
  expect(readingOf(routes, '4', bodies[1])).toEqual({ kind: 'skipped' })
})

test('the older body is validated first, and what becomes of it too', () => {
  const handler = on(V2, () => undefined)
  const codeOf = (upcaster: typeof to2, value: unknown): string => {
    const reading = readingOf(eventRoutes([handler], [upcaster], prefix), '1', value)
    return reading.kind === 'unreadable' ? reading.error.code : reading.kind
  }
  const good = { id: 'o', total: 5 }
  expect(codeOf(to2, good)).toBe('message')
  expect(codeOf(to2, { id: 'o' })).toBe('MESSAGE_MALFORMED')
  const throwing = upcast(V1, V2, () => {
    throw new Error('unforeseen')
  })
  expect(codeOf(throwing, good)).toBe('UPCAST_FAILED')
  expect(codeOf({ ...to2, convert: () => ({ id: 'o' }) }, good)).toBe('UPCAST_FAILED')
  expect(codeOf({ ...to2, convert: () => null }, good)).toBe('UPCAST_FAILED')
})

test('an event may have had another name and topic', () => {
  const Old = event('purchase.made', { version: 1, key: (p) => p.id, payload: z.object({ id: z.string() }) })
  const renamed = upcast(Old, V1, ({ id }) => ({ id, total: 0 }))
  expect(eventTopics([on(V1, () => undefined)], [renamed], prefix)).toEqual([
    'outbox.event.order',
    'outbox.event.purchase',
  ])
  expect(eventTopics([on(V1, () => undefined, { topic: 'legacy' })], [renamed], prefix)).toEqual(['legacy'])
})

test('tombstones of older versions reach the handler as well', () => {
  const handler = onBatch(V2, () => undefined, { tombstones: true })
  expect(readingOf(eventRoutes([handler], [to2], prefix), '1', null)).toMatchObject({
    kind: 'message',
    message: { version: 2, body: null, writtenAs: { version: 1 } },
  })
})

test.each<[string, Parameters<typeof eventRoutes>[0], Parameters<typeof eventRoutes>[1]]>([
  ['two handlers of one contract', [on(V1, () => undefined), onBatch(V1, () => undefined)], []],
  [
    'an older version with a handler and an upcaster',
    [on(V1, () => undefined), on(V2, () => undefined)],
    [to2],
  ],
  ['two upcasters of one version', [on(V2, () => undefined)], [to2, { ...to2 }]],
  ['an upcaster that leads nowhere', [on(V1, () => undefined)], [to3]],
  ['upcasters in a circle', [on(V2, () => undefined)], [to2, upcast(V2, V1, ({ id }) => ({ id, total: 1 }))]],
])('refuses %s', (_, subscriptions, upcasters) => {
  expect(codeThrownBy(() => eventRoutes(subscriptions, upcasters, prefix))).toBe('CONFIG_INVALID')
})

test('one contract may be read from two topics', () => {
  const handlers = [on(V1, () => undefined), on(V1, () => undefined, { topic: 'elsewhere' })]
  expect(eventTopics(handlers, undefined, prefix)).toEqual(['outbox.event.order', 'elsewhere'])
})

test('a format for a topic that is not read is refused', () => {
  const routes = eventRoutes([on(V1, () => undefined)], [], prefix)
  expect(codeThrownBy(() => assertFormats({ order: raw() }, routes))).toBe('CONFIG_INVALID')
  expect(codeThrownBy(() => assertFormats({ 'outbox.event.order': raw() }, routes))).toBeUndefined()
})

test.each([0, -1, 1.5, 10_001])('a batch has no size of %d', (batchSizeMax) => {
  expect(codeThrownBy(() => onBatch(V1, () => undefined, { batchSizeMax }))).toBe('CONFIG_INVALID')
})
