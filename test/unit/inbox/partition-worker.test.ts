import { expect, test } from 'vitest'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import type { ReceivedRecord } from '../../../src/transport/subscriber.ts'
import { batchOf, feed } from './hand-fed.ts'
import { messageHeaders, recordWith } from './records.ts'
import { noting, Noted, Placed, recordsOf, unreachable, workerOf } from './worker-of-orders.ts'

test('each message takes effect once, in order, and offsets are committed once, after it', async () => {
  const { worker, committed, points } = workerOf([noting])
  const { commits } = await feed(worker.onBatch, recordsOf('a', 'b', 'c'))
  expect(committed.effects).toEqual(['a', 'b', 'c'])
  expect(commits).toEqual([3n])
  expect(points).toEqual([
    ...Array.from({ length: 3 }, () => ['consumer.commit.before', 'consumer.commit.after']).flat(),
    'consumer.offsets.before',
    'consumer.offsets.after',
  ])
})

test('a second delivery does nothing more', async () => {
  const { worker, committed } = workerOf([noting])
  const records = recordsOf('a', 'b')
  await feed(worker.onBatch, records)
  const { commits } = await feed(worker.onBatch, records)
  expect(committed.effects).toEqual(['a', 'b'])
  expect(commits).toEqual([2n])
})

test('what the handler sends is in the same transaction', async () => {
  let calls = 0
  const { worker, committed } = workerOf([
    on(Placed, ({ body }, { enqueue }) => {
      enqueue([Noted.create({ n: body.n }), Noted.create({ n: `${body.n}2` })])
      if (++calls === 1) throw new Error('the first try fails')
    }),
  ])
  await feed(worker.onBatch, recordsOf('a'))
  expect(committed.sent.map(({ body }) => body)).toEqual([{ n: 'a' }, { n: 'a2' }])
})

test('a handler that throws is tried again, then its message is a dead letter and the partition goes on', async () => {
  const attempts: number[] = []
  const { worker, committed, lines, points } = workerOf([
    on(Placed, async ({ body }, { tx, attempt }) => {
      await tx.query('effect', [body.n])
      if (body.n !== 'bad') return
      attempts.push(attempt)
      throw new TypeError('no such customer')
    }),
  ])
  const records = recordsOf('a', 'bad', 'c')
  const { commits, pausesMs } = await feed(worker.onBatch, records)
  expect(attempts).toEqual([1, 2, 3])
  expect(committed.effects).toEqual(['a', 'c'])
  expect(commits).toEqual([1n, 3n])
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

test('a dead letter claims its message, so that a late retry elsewhere cannot apply it (E35)', async () => {
  const one = workerOf([on(Placed, () => Promise.reject(new Error('x')))])
  const [record] = recordsOf('a') as [ReceivedRecord]
  await feed(one.worker.onBatch, [record])
  expect(one.committed.letters).toHaveLength(1)
  const id = one.committed.letters[0]?.messageId
  expect(one.committed.claims).toEqual([`g|outbox.event.order|${id}`])
})

test('a record that cannot be read is a dead letter at once, under its own id or one of its place', async () => {
  const { worker, committed } = workerOf([noting])
  const records = [
    recordWith({ offset: 0n, value: Buffer.from('{'), headers: messageHeaders('order.placed') }),
    recordWith({ offset: 1n, value: { n: 1 }, headers: { type: 'order.placed', id: 'no uuid' } }),
    ...recordsOf('a').map((record) => ({ ...record, offset: 2n })),
  ]
  const { commits, pausesMs } = await feed(worker.onBatch, records)
  expect(pausesMs).toEqual([])
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

test('health names the partition that waits, as long as it is held and waits', async () => {
  const { worker, failNext } = workerOf([noting])
  failNext('begin', unreachable())
  const [record] = recordsOf('a') as [ReceivedRecord]
  const held = ['outbox.event.order/0']
  expect(await worker.onBatch(batchOf([record]))).toMatchObject({ kind: 'retryAfter', nextOffset: 0n })
  expect(worker.trouble(held)).toMatch(/^outbox\.event\.order\/0 at offset 0: DATABASE_UNREACHABLE/)
  expect(worker.trouble(['outbox.event.order/1'])).toBeUndefined()
  await worker.onBatch(batchOf([record]))
  expect(worker.trouble(held)).toBeUndefined()
})

test('a commit of unknown outcome is done again, and the inbox knows whether it happened', async () => {
  const { worker, committed, failNext } = workerOf([noting])
  failNext('commit', unreachable(), true)
  await feed(worker.onBatch, recordsOf('a'))
  failNext('commit', unreachable(), false)
  await feed(worker.onBatch, recordsOf('b'))
  expect(committed.effects).toEqual(['a', 'b'])
})

test('conflicts are tried again at once and not counted, up to a bound', async () => {
  const attempts: number[] = []
  const conflict = (): BackstitchError => new BackstitchError('TRANSACTION_CONFLICT', 'here')
  const { worker, committed, failNext } = workerOf([
    on(Placed, async ({ body }, { tx, attempt }) => {
      attempts.push(attempt)
      await tx.query('effect', [body.n])
    }),
  ])
  for (let n = 0; n < 19; n++) failNext('commit', conflict())
  expect((await feed(worker.onBatch, recordsOf('a'))).pausesMs).toEqual([])
  expect(committed.effects).toEqual(['a'])
  expect(new Set(attempts)).toEqual(new Set([1]))

  for (let n = 0; n < 60; n++) failNext('commit', conflict())
  expect((await feed(worker.onBatch, recordsOf('b'))).pausesMs).toHaveLength(2)
  expect(committed.letters).toMatchObject([{ reasonCode: 'TRANSACTION_CONFLICT', attempts: 3 }])
})

test('a dead letter that cannot be written holds the partition: nothing is lost', async () => {
  const { worker, committed, failNext } = workerOf([noting])
  failNext('begin', new Error('whatever it is'))
  const bad = recordWith({ value: Buffer.from('{'), headers: messageHeaders('order.placed') })
  const { commits, pausesMs } = await feed(worker.onBatch, [bad])
  expect(pausesMs).toHaveLength(1)
  expect(commits).toEqual([1n])
  expect(committed.letters).toHaveLength(1)
})

test('a message is not begun once the partition is taken away; what is done is committed', async () => {
  const taken = new AbortController()
  const { worker, committed } = workerOf([
    on(Placed, async ({ body }, { tx }) => {
      await tx.query('effect', [body.n])
      if (body.n === 'b') taken.abort()
    }),
  ])
  const batch = batchOf(recordsOf('a', 'b', 'c'), { signal: taken.signal })
  expect(await worker.onBatch(batch)).toEqual({ kind: 'retryAfter', retryAfterMs: 0, nextOffset: 2n })
  expect(committed.effects).toEqual(['a', 'b'])
  expect(batch.commits).toEqual([2n])
})

test('offsets are committed every 200 records, and every second', async () => {
  const names = Array.from({ length: 450 }, (_, n) => `m${n}`)
  const fast = workerOf([noting])
  expect((await feed(fast.worker.onBatch, recordsOf(...names))).commits).toEqual([200n, 400n, 450n])

  let nowMs = 0
  const slow = workerOf([noting], { nowMs: () => (nowMs += 300) })
  const { commits } = await feed(slow.worker.onBatch, recordsOf('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'))
  expect(commits.length).toBeGreaterThan(1)
  expect(commits.at(-1)).toBe(9n)
})

test('an offset that was not stored is stored with the next; a stale one ends the batch', async () => {
  const names = Array.from({ length: 201 }, (_, n) => `m${n}`)
  const failing = batchOf(recordsOf(...names), { outcome: 'failed' })
  expect(await workerOf([noting]).worker.onBatch(failing)).toEqual({ kind: 'done' })
  expect(failing.commits).toEqual([200n, 201n])

  const stale = batchOf(recordsOf(...names), { outcome: 'stale' })
  const { worker, committed } = workerOf([noting])
  expect(await worker.onBatch(stale)).toEqual({ kind: 'done' })
  expect(stale.commits).toEqual([200n])
  expect(committed.effects).toHaveLength(200)
})

test('a handler that does not end in time has failed, and hears of it', async () => {
  let heard: unknown
  const { worker, committed } = workerOf(
    [
      on(Placed, (_, { signal }) => {
        signal.addEventListener('abort', () => (heard = signal.reason))
        return new Promise<void>(() => undefined)
      }),
    ],
    { handlerTimeoutMs: 5 },
  )
  await feed(worker.onBatch, recordsOf('a'))
  expect(heard).toMatchObject({ code: 'HANDLER_FAILED' })
  expect(committed.letters).toMatchObject([{ reasonCode: 'HANDLER_FAILED', attempts: 3 }])
  expect(committed.letters[0]?.reason).toContain('within 5 ms')
})

test('a message that is cut by the end of the process is not counted', async () => {
  const { worker, committed, transactions } = workerOf([
    on(Placed, () => {
      transactions.abort(new BackstitchError('STOP_DEADLINE_PASSED', 'here'))
      return new Promise<void>(() => undefined)
    }),
  ])
  const batch = batchOf(recordsOf('a'))
  for (let n = 0; n < 5; n++)
    expect(await worker.onBatch(batch)).toMatchObject({ kind: 'retryAfter', nextOffset: 0n })
  expect(committed.letters).toEqual([])
})

test('a count begins anew with the next record', async () => {
  const failures = new Map([
    ['a', 2],
    ['b', 2],
  ])
  const { worker, committed } = workerOf([
    on(Placed, async ({ body }, { tx }) => {
      const left = failures.get(body.n) ?? 0
      failures.set(body.n, left - 1)
      if (left > 0) throw new Error('not yet')
      await tx.query('effect', [body.n])
    }),
  ])
  await feed(worker.onBatch, recordsOf('a', 'b'))
  expect(committed.effects).toEqual(['a', 'b'])
  expect(committed.letters).toEqual([])
})

test('tombstones go to their own handler', async () => {
  const seen: string[] = []
  const { worker } = workerOf([
    on(Placed, ({ body }) => void seen.push(body.n), {
      tombstone: ({ key }) => void seen.push(`${key} is gone`),
    }),
  ])
  await feed(worker.onBatch, [
    ...recordsOf('a'),
    recordWith({ offset: 1n, key: 'a', headers: messageHeaders('order.placed') }),
  ])
  expect(seen).toEqual(['a', 'a is gone'])
})

test('two handlers of one contract are refused', () => {
  expect(() => workerOf([noting, noting])).toThrow(/CONFIG_INVALID.*two of them handle order\.placed v1/)
})
