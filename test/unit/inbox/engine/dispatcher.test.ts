import { expect, test } from 'vitest'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import type { ReceivedRecord } from '../../../../src/transport/subscriber.ts'
import { batchOf, feed, until, untilCommitted } from '../hand-fed.ts'
import { messageHeaders, recordWith } from '../records.ts'
import {
  engineOf,
  keyedRecords,
  Noted,
  noting,
  Placed,
  recordsOf,
  sorted,
  unreachable,
} from './engine-of-orders.ts'

test('each message takes effect once, in order, and offsets are committed once, after it', async () => {
  const { engine, committed, points } = engineOf([noting])
  const { commits } = await feed(engine, recordsOf('a', 'b', 'c'))
  expect(committed.effects).toEqual(['a', 'b', 'c'])
  expect(commits).toEqual([3n])
  await until('the last point', () => points.at(-1) === 'consumer.offsets.after')
  expect(points).toEqual([
    ...Array.from({ length: 3 }, () => ['consumer.commit.before', 'consumer.commit.after']).flat(),
    'consumer.offsets.before',
    'consumer.offsets.after',
  ])
})

test('a second delivery does nothing more', async () => {
  const { engine, committed } = engineOf([noting])
  const records = recordsOf('a', 'b')
  await feed(engine, records)
  const { commits } = await feed(engine, records)
  expect(committed.effects).toEqual(['a', 'b'])
  expect(commits).toEqual([2n])
})

test('what the handler sends is in the same transaction', async () => {
  let calls = 0
  const { engine, committed } = engineOf([
    on(Placed, ({ body }, { enqueue }) => {
      enqueue([Noted.create({ n: body.n }), Noted.create({ n: `${body.n}2` })])
      if (++calls === 1) throw new Error('the first try fails')
    }),
  ])
  await feed(engine, recordsOf('a'))
  expect(committed.sent.map(({ body }) => body)).toEqual([{ n: 'a' }, { n: 'a2' }])
})

test('a handler that throws is tried again, then its message is a dead letter', async () => {
  const attempts: number[] = []
  const { engine, committed, lines, points } = engineOf([
    on(Placed, async ({ body }, { tx, attempt }) => {
      await tx.query('effect', [body.n])
      if (body.n !== 'bad') return
      attempts.push(attempt)
      throw new TypeError('no such customer')
    }),
  ])
  const records = keyedRecords('a', 'bad', 'c')
  await feed(engine, records)
  expect(attempts).toEqual([1, 2, 3])
  expect(committed.effects).toEqual(['a', 'c'])
  const tries = lines.filter(({ message }) => message === 'handling a message failed; it is tried again')
  const pausesMs = tries.map(({ fields }) => (fields as { retryAfterMs: number }).retryAfterMs)
  expect(pausesMs).toHaveLength(2)
  expect(pausesMs[0]).toBeGreaterThanOrEqual(50)
  expect(pausesMs[1]).toBeGreaterThanOrEqual(100)
  expect(committed.letters).toMatchObject([
    {
      group: 'g',
      topic: 'outbox.event.order',
      partition: 0,
      offset: 1n,
      type: 'order.placed',
      reasonCode: 'HANDLER_FAILED',
      reason: 'no such customer',
      attempts: 3,
    },
  ])
  expect(committed.letters[0]?.stack).toContain('TypeError: no such customer')
  expect(committed.letters[0]?.payload).toEqual(records[1]?.value)
  expect(committed.letters[0]?.headers).toContainEqual({ name: 'type', text: 'order.placed' })
  expect(points.filter((point) => point.includes('deadletter'))).toEqual([
    'consumer.deadletter.before',
    'consumer.deadletter.after',
  ])
  expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1)
})

test('while a message waits for its next try, those of other keys pass and those of its own do not', async () => {
  const gate = Promise.withResolvers<void>()
  let failures = 0
  const { engine, committed } = engineOf([
    on(Placed, async ({ body }, { tx }) => {
      if (body.n === 'a.1' && ++failures === 1) throw new Error('not yet')
      if (body.n === 'a.1') await gate.promise
      await tx.query('effect', [body.n])
    }),
  ])
  const batch = batchOf(keyedRecords('a.1', 'a.2', 'b.1', 'c.1', 'b.2'))
  await engine.onBatch(batch)
  await until('the second try', () => failures === 2 && committed.effects.length === 3)
  expect(sorted(committed.effects)).toEqual(['b.1', 'b.2', 'c.1'])
  expect(batch.commits).toEqual([])
  gate.resolve()
  await untilCommitted(batch)
  expect(committed.effects.slice(3)).toEqual(['a.1', 'a.2'])
})

test('a key is blocked no longer than it may be (E34)', async () => {
  const { engine, committed, clock } = engineOf([on(Placed, () => Promise.reject(new Error('no')))], {
    retry: { attemptsMax: 1_000, backoff: { initialMs: 1_000, maxMs: 1_000, factor: 1 }, ageMaxMs: 10_000 },
  })
  await feed(engine, recordsOf('a'))
  expect(clock.now()).toBeLessThanOrEqual(11_000)
  expect(committed.letters[0]?.attempts).toBeGreaterThanOrEqual(10)
  expect(committed.letters[0]?.attempts).toBeLessThanOrEqual(21)
})

test('later messages of a dead letter’s key join it, unless the group or the handler keeps no order', async () => {
  const failing = on(Placed, async ({ body }, { tx }) => {
    if (body.n === 'a.bad') throw new Error('no')
    await tx.query('effect', [body.n])
  })
  const names = ['a.bad', 'a.2', 'b.1', 'a.3']
  const keeping = engineOf([failing])
  await feed(keeping.engine, keyedRecords(...names))
  expect(keeping.committed.effects).toEqual(['b.1'])
  expect(keeping.committed.letters).toMatchObject([
    { reasonCode: 'HANDLER_FAILED', state: 'dead', attempts: 3, order: 'key' },
    { reasonCode: 'KEY_HELD', state: 'retrying', attempts: 0, order: 'key', offset: 1n },
    { reasonCode: 'KEY_HELD', state: 'retrying', attempts: 0, order: 'key', offset: 3n },
  ])
  const passing = engineOf([failing], { retry: { order: 'none' } })
  await feed(passing.engine, keyedRecords(...names))
  expect(sorted(passing.committed.effects)).toEqual(['a.2', 'a.3', 'b.1'])
})

test('a retry that keeps no order is put aside until it is due, and nothing waits for it', async () => {
  const { engine, committed } = engineOf(
    [
      on(Placed, async ({ body }, { tx }) => {
        if (body.n === 'a.bad') throw new Error('no')
        await tx.query('effect', [body.n])
      }),
    ],
    { retry: { order: 'none', backoff: { initialMs: 5_000, maxMs: 5_000, factor: 1 } } },
  )
  await feed(engine, keyedRecords('a.bad', 'a.2'))
  expect(committed.effects).toEqual(['a.2'])
  expect(committed.letters).toMatchObject([{ state: 'retrying', order: 'none', attempts: 1 }])
  expect(committed.letters[0]?.dueAtMs).toBeGreaterThanOrEqual(2_500)
})

test('what is the message’s own fault for sure is a dead letter at once', async () => {
  let calls = 0
  const { engine, committed } = engineOf([
    on(Placed, () => {
      calls += 1
      throw new BackstitchError('HANDLER_REFUSED', 'no such product')
    }),
  ])
  await feed(engine, recordsOf('a'))
  expect(calls).toBe(1)
  expect(committed.letters).toMatchObject([{ reasonCode: 'HANDLER_REFUSED', attempts: 1 }])
})

test('a dead letter claims its message, so that a late retry elsewhere cannot apply it (E35)', async () => {
  const one = engineOf([on(Placed, () => Promise.reject(new Error('x')))])
  const [record] = recordsOf('a') as [ReceivedRecord]
  await feed(one.engine, [record])
  expect(one.committed.letters).toHaveLength(1)
  const id = one.committed.letters[0]?.messageId
  expect(one.committed.claims).toEqual([`g|outbox.event.order|${id}`])
})

test('a record that cannot be read is a dead letter at once, under its own id or one of its place', async () => {
  const { engine, committed } = engineOf([noting])
  const records = [
    recordWith({ offset: 0n, value: Buffer.from('{'), headers: messageHeaders('order.placed') }),
    recordWith({ offset: 1n, value: { n: 1 }, headers: { type: 'order.placed', id: 'no uuid' } }),
    ...keyedRecords('a').map((record) => ({ ...record, offset: 2n })),
  ]
  const { commits } = await feed(engine, records)
  expect(commits).toEqual([3n])
  expect(committed.effects).toEqual(['a'])
  expect(committed.letters).toMatchObject([
    {
      offset: 0n,
      reasonCode: 'MESSAGE_MALFORMED',
      attempts: 0,
      messageId: records[0]?.headers[0]?.[1].toString(),
    },
    {
      offset: 1n,
      reasonCode: 'MESSAGE_MALFORMED',
      attempts: 0,
      messageId: expect.stringMatching(/^019e7044-/),
    },
  ])
})

test('a commit of unknown outcome is done again, and the inbox knows whether it happened', async () => {
  const { engine, committed, failNext } = engineOf([noting])
  failNext('commit', unreachable(), true)
  await feed(engine, recordsOf('a'))
  failNext('commit', unreachable(), false)
  await feed(engine, recordsOf('b'))
  expect(committed.effects).toEqual(['a', 'b'])
})

test('conflicts are tried again at once and not counted, up to a bound', async () => {
  const attempts: number[] = []
  const conflict = (): BackstitchError => new BackstitchError('TRANSACTION_CONFLICT', 'here')
  const { engine, committed, failNext, lines } = engineOf([
    on(Placed, async ({ body }, { tx, attempt }) => {
      attempts.push(attempt)
      await tx.query('effect', [body.n])
    }),
  ])
  for (let n = 0; n < 19; n++) failNext('commit', conflict())
  await feed(engine, recordsOf('a'))
  expect(committed.effects).toEqual(['a'])
  expect(new Set(attempts)).toEqual(new Set([1]))
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([])

  for (let n = 0; n < 60; n++) failNext('commit', conflict())
  await feed(engine, recordsOf('b'))
  expect(committed.letters).toMatchObject([{ reasonCode: 'TRANSACTION_CONFLICT', attempts: 3 }])
})

test('a dead letter that cannot be written holds its key: nothing is lost', async () => {
  const { engine, committed, failNext } = engineOf([noting])
  failNext('begin', new Error('whatever it is'))
  const bad = recordWith({ value: Buffer.from('{'), headers: messageHeaders('order.placed') })
  const { commits } = await feed(engine, [bad])
  expect(commits).toEqual([1n])
  expect(committed.letters).toHaveLength(1)
})

test('a handler that does not end in time has failed, and hears of it', async () => {
  let heard: unknown
  const { engine, committed } = engineOf(
    [
      on(Placed, (_, { signal }) => {
        signal.addEventListener('abort', () => (heard = signal.reason))
        return new Promise<void>(() => undefined)
      }),
    ],
    { handlerTimeoutMs: 5 },
  )
  await feed(engine, recordsOf('a'))
  expect(heard).toMatchObject({ code: 'HANDLER_FAILED' })
  expect(committed.letters).toMatchObject([{ reasonCode: 'HANDLER_FAILED', attempts: 3 }])
  expect(committed.letters[0]?.reason).toContain('within 5 ms')
})

test('a count begins anew with the next record', async () => {
  const failures = new Map([
    ['a', 2],
    ['b', 2],
  ])
  const { engine, committed } = engineOf([
    on(Placed, async ({ body }, { tx }) => {
      const left = failures.get(body.n) ?? 0
      failures.set(body.n, left - 1)
      if (left > 0) throw new Error('not yet')
      await tx.query('effect', [body.n])
    }),
  ])
  await feed(engine, recordsOf('a', 'b'))
  expect(committed.effects).toEqual(['a', 'b'])
  expect(committed.letters).toEqual([])
})

test('tombstones go to their own handler', async () => {
  const seen: string[] = []
  const { engine } = engineOf([
    on(Placed, ({ body }) => void seen.push(body.n), {
      tombstone: ({ key }) => void seen.push(`${key} is gone`),
    }),
  ])
  await feed(engine, [
    ...recordsOf('a'),
    recordWith({ offset: 1n, key: 'k', headers: messageHeaders('order.placed') }),
  ])
  expect(seen).toEqual(['a', 'k is gone'])
})

test('two handlers of one contract are refused', () => {
  expect(() => engineOf([noting, noting])).toThrow(/CONFIG_INVALID.*two of them handle order\.placed v1/)
})
