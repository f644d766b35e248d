import { expect, test } from 'vitest'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { batchOf, feed, until, untilCommitted } from '../hand-fed.ts'
import { engineOf, keyedRecords, noting, Placed, recordsOf, sorted, unreachable } from './engine-of-orders.ts'

test('while the database cannot be reached nothing is counted, and there is one line for it', async () => {
  const { engine, committed, failNext, lines, clock } = engineOf([noting])
  for (let n = 0; n < 20; n++) failNext('begin', unreachable())
  await feed(engine, recordsOf('a'))
  expect(committed.effects).toEqual(['a'])
  expect(committed.letters).toEqual([])
  expect(clock.now()).toBeGreaterThan(20_000)
  expect(clock.now()).toBeLessThanOrEqual(20 * 5_000)
  expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
    {
      message: 'a partition waits; nothing is lost, and it goes on by itself',
      fields: { code: 'DATABASE_UNREACHABLE' },
    },
  ])
  expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'a partition goes on' })
})

test('while it cannot be reached one message at a time asks for it', async () => {
  let begins = 0
  const { engine, database, committed } = engineOf([noting])
  const { transaction } = database
  Object.assign(database, {
    transaction: (...all: Parameters<typeof transaction>) => {
      begins += 1
      return begins <= 30 ? Promise.reject(unreachable()) : transaction(...all)
    },
  })
  const names = Array.from({ length: 100 }, (_, n) => `k${n}`)
  await feed(engine, keyedRecords(...names))
  expect(sorted(committed.effects)).toEqual(sorted(names))
  // eight were in hand when it went; after that each failed begin was the only one
  expect(begins).toBe(130)
})

test('a message whose claim takes too long waits by itself: it may wait for its own lock, and the others go on', async () => {
  // a clock on which the wait never ends
  const clock = { now: () => 0, pause: () => new Promise<void>(() => undefined) }
  const { engine, committed, failNext } = engineOf([noting], { clock, concurrencyMax: 1 })
  failNext(
    'begin',
    new BackstitchError('DATABASE_UNREACHABLE', 'slow', { details: { overdueAfterMs: 10_000 } }),
  )
  await engine.onBatch(batchOf(keyedRecords('slow.1', 'b.1', 'slow.2', 'c.1')))
  await until('the others are done', () => committed.effects.length === 2)
  expect(sorted(committed.effects)).toEqual(['b.1', 'c.1'])
  expect(engine.trouble(['outbox.event.order/0'])).toContain('DATABASE_UNREACHABLE')
})

test('health names the partition that waits, as long as it is held and waits', async () => {
  const { engine, failNext } = engineOf([noting], {
    clock: { now: () => 0, pause: () => new Promise(() => undefined) },
  })
  failNext('begin', unreachable())
  await engine.onBatch(batchOf(recordsOf('a')))
  await until('the wait', () => engine.trouble(['outbox.event.order/0']) !== undefined)
  expect(engine.trouble(['outbox.event.order/0'])).toMatch(
    /^outbox\.event\.order\/0 at offset 0: DATABASE_UNREACHABLE/,
  )
  expect(engine.trouble(['outbox.event.order/1'])).toBeUndefined()
  const well = engineOf([noting])
  well.failNext('begin', unreachable())
  await feed(well.engine, recordsOf('a'))
  expect(well.engine.trouble(['outbox.event.order/0'])).toBeUndefined()
})

test('health names a partition in which nothing is finished for a minute', async () => {
  let nowMs = 0
  const { engine } = engineOf([on(Placed, () => new Promise<void>(() => undefined))], {
    clock: { now: () => nowMs, pause: () => new Promise(() => undefined) },
  })
  await engine.onBatch(batchOf(recordsOf('a')))
  nowMs = 59_000
  expect(engine.trouble(['outbox.event.order/0'])).toBeUndefined()
  nowMs = 61_000
  expect(engine.trouble(['outbox.event.order/0'])).toBe(
    'outbox.event.order/0 at offset 0: nothing was finished for 61 s',
  )
})

test('what the database cannot do for the handler counts, after it has done all the rest', async () => {
  const full = new BackstitchError('DATABASE_FAILING', 'here', { details: { sqlState: '53200' } })
  let calls = 0
  const { engine, committed, failNext } = engineOf([
    on(Placed, () => {
      calls += 1
      return Promise.reject(full)
    }),
  ])
  for (let n = 0; n < 5; n++) failNext('begin', full)
  await feed(engine, recordsOf('a'))
  expect(calls).toBe(3)
  expect(committed.letters).toMatchObject([{ reasonCode: 'DATABASE_FAILING', attempts: 3 }])
})

test('a handler that loses its connection once has met an outage', async () => {
  let calls = 0
  const { engine, committed, failNext } = engineOf([
    on(Placed, async ({ body }, { tx }) => {
      if (++calls === 1) {
        for (let n = 0; n < 20; n++) failNext('begin', unreachable())
        throw unreachable()
      }
      await tx.query('effect', [body.n])
    }),
  ])
  await feed(engine, recordsOf('a'))
  expect(committed.effects).toEqual(['a'])
  expect(committed.letters).toEqual([])
})

test('a handler that loses its connection each time is counted from the second time on, and not called once its attempts are spent', async () => {
  let calls = 0
  const { engine, committed, failNext } = engineOf([
    on(Placed, async () => {
      // The server comes back from its crash while the dead letter is to be written.
      if (++calls === 4) for (let n = 0; n < 3; n++) failNext('begin', unreachable())
      throw unreachable()
    }),
  ])
  await feed(engine, recordsOf('a'))
  expect(calls).toBe(4)
  expect(committed.letters).toMatchObject([{ reasonCode: 'DATABASE_UNREACHABLE', attempts: 3 }])
})

test('messages whose handlers lost their connections are tried one at a time, so that one is not blamed for another’s crash', async () => {
  const running = new Set<string>()
  let crashes = 0
  const { engine, committed } = engineOf([
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
  const bad = batchOf(keyedRecords('bad', 'good'))
  const good = batchOf(keyedRecords('fine').map((record) => ({ ...record, partition: 1 })))
  await Promise.all([engine.onBatch(bad), engine.onBatch(good)])
  await Promise.all([untilCommitted(bad), untilCommitted(good)])
  expect(crashes).toBe(6) // all three the first time, and the one three times more
  expect(sorted(committed.effects)).toEqual(['fine', 'good'])
  expect(committed.letters).toMatchObject([{ partition: 0, attempts: 3 }])
})
