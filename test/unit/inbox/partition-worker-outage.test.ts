import { expect, test } from 'vitest'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import type { ReceivedRecord } from '../../../src/transport/subscriber.ts'
import { batchOf, feed } from './hand-fed.ts'
import { noting, Placed, recordsOf, unreachable, workerOf } from './worker-of-orders.ts'

test('while the database cannot be reached nothing is counted, and there is one line for it', async () => {
  const { worker, committed, failNext, lines } = workerOf([noting])
  for (let n = 0; n < 20; n++) failNext('begin', unreachable())
  const { pausesMs } = await feed(worker.onBatch, recordsOf('a'))
  expect(pausesMs).toHaveLength(20)
  expect(Math.max(...pausesMs)).toBeLessThanOrEqual(5_000)
  expect(committed.effects).toEqual(['a'])
  expect(committed.letters).toEqual([])
  expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
    {
      message: 'a partition waits; nothing is lost, and it goes on by itself',
      fields: { code: 'DATABASE_UNREACHABLE' },
    },
  ])
  expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'a partition goes on' })
})

test('what the database cannot do for the handler counts, after it has done all the rest', async () => {
  const full = new BackstitchError('DATABASE_FAILING', 'here', { details: { sqlState: '53200' } })
  const { worker, committed, failNext } = workerOf([on(Placed, () => Promise.reject(full))])
  for (let n = 0; n < 5; n++) failNext('begin', full)
  const { pausesMs } = await feed(worker.onBatch, recordsOf('a'))
  expect(pausesMs).toHaveLength(5 + 2)
  expect(committed.letters).toMatchObject([{ reasonCode: 'DATABASE_FAILING', attempts: 3 }])
})

test('a handler that loses its connection once has met an outage', async () => {
  let calls = 0
  const { worker, committed, failNext } = workerOf([
    on(Placed, async ({ body }, { tx }) => {
      if (++calls === 1) throw unreachable()
      await tx.query('effect', [body.n])
    }),
  ])
  const [record] = recordsOf('a') as [ReceivedRecord]
  await worker.onBatch(batchOf([record]))
  for (let n = 0; n < 20; n++) failNext('begin', unreachable())
  await feed(worker.onBatch, [record])
  expect(committed.effects).toEqual(['a'])
  expect(committed.letters).toEqual([])
})

test('a handler that loses its connection each time is counted from the second time on, and not called once its attempts are spent', async () => {
  let calls = 0
  const { worker, committed, failNext } = workerOf([
    on(Placed, async () => {
      // The server comes back from its crash while the dead letter is to be written.
      if (++calls === 4) for (let n = 0; n < 3; n++) failNext('begin', unreachable())
      throw unreachable()
    }),
  ])
  await feed(worker.onBatch, recordsOf('a'))
  expect(calls).toBe(4)
  expect(committed.letters).toMatchObject([{ reasonCode: 'DATABASE_UNREACHABLE', attempts: 3 }])
})

test('messages whose handlers lost their connections are tried one at a time, so that one is not blamed for another’s crash', async () => {
  const running = new Set<string>()
  let crashes = 0
  const { worker, committed } = workerOf([
    on(Placed, async ({ body }, { tx }) => {
      running.add(body.n)
      await new Promise((resolve) => setImmediate(resolve))
      const crashed = running.has('bad')
      await new Promise((resolve) => setImmediate(resolve))
      running.delete(body.n)
      if (crashed) {
        crashes++
        throw unreachable()
      }
      await tx.query('effect', [body.n])
    }),
  ])
  const [bad] = recordsOf('bad') as [ReceivedRecord]
  const good = recordsOf('good').map((record) => ({ ...record, partition: 1 }))
  await Promise.all([feed(worker.onBatch, [bad]), feed(worker.onBatch, good)])
  expect(crashes).toBe(5)
  expect(committed.effects).toEqual(['good'])
  expect(committed.letters).toMatchObject([{ partition: 0, attempts: 3 }])
})
