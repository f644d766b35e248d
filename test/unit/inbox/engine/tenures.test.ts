import { expect, test } from 'vitest'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { batchOf, feed, until, untilCommitted } from '../hand-fed.ts'
import { engineOf, keyedRecords, noting, Placed, recordsOf } from './engine-of-orders.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('nothing is begun once the partition is taken away; what is in hand is finished and committed', async () => {
  const taken = new AbortController()
  const { engine, committed } = engineOf([
    on(Placed, async ({ body }, { tx }) => {
      if (body.n === 'b') taken.abort()
      await turn()
      await tx.query('effect', [body.n])
    }),
  ])
  const batch = batchOf(recordsOf('a', 'b', 'c'), { signal: taken.signal })
  await engine.onBatch(batch)
  await until('the partition to be taken', () => taken.signal.aborted)
  await engine.settle()
  expect(committed.effects).toEqual(['a', 'b'])
  expect(batch.commits).toEqual([2n])
  expect(await engine.onBatch(batch)).toEqual({ kind: 'stop' })
})

test('a partition that comes back begins when what is in hand from before has ended', async () => {
  const gate = Promise.withResolvers<void>()
  const { engine, committed } = engineOf([
    on(Placed, async ({ body }, { tx }) => {
      if (body.n === 'a') await gate.promise
      await tx.query('effect', [body.n])
    }),
  ])
  const records = recordsOf('a', 'b')
  const taken = new AbortController()
  await engine.onBatch(batchOf(records, { signal: taken.signal }))
  taken.abort()
  const again = batchOf(records)
  const begun = engine.onBatch(again)
  const other = batchOf(recordsOf('x').map((record) => ({ ...record, partition: 1 })))
  await engine.onBatch(other)
  await untilCommitted(other)
  expect(committed.effects).toEqual(['x'])
  gate.resolve()
  await begun
  await untilCommitted(again)
  expect(committed.effects).toEqual(['x', 'a', 'b'])
})

test('offsets are committed every 200 records, every second, and when there is no more', async () => {
  const names = Array.from({ length: 450 }, (_, n) => `m${n}`)
  const fast = engineOf([noting])
  const { commits } = await feed(fast.engine, recordsOf(...names))
  expect(commits.length).toBeLessThanOrEqual(3)
  expect(commits[0]).toBe(200n)

  const slow = engineOf([
    on(Placed, async (_, { tx }) => {
      await tx.query('effect', ['x'])
      await slow.clock.pause(300)
    }),
  ])
  const times = await feed(slow.engine, recordsOf('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'))
  expect(times.commits.length).toBeGreaterThan(2)
  expect(times.commits.at(-1)).toBe(9n)
})

test('an offset that was not stored is stored with a later one; after a stale one nothing is begun', async () => {
  const outcomes: ('failed' | 'committed')[] = ['failed', 'failed', 'committed']
  const failing = batchOf(recordsOf('a'))
  const { engine } = engineOf([noting])
  await engine.onBatch({
    ...failing,
    commit: async (next) => {
      failing.commits.push(next)
      return outcomes.shift() ?? 'committed'
    },
  })
  await until('the offset to be stored', () => outcomes.length === 0)
  expect(failing.commits).toEqual([1n, 1n, 1n])

  const names = Array.from({ length: 1_000 }, (_, n) => `m${n}`)
  const stale = batchOf(recordsOf(...names), { outcome: 'stale' })
  const other = engineOf([noting])
  await other.engine.onBatch(stale)
  await until('the commit', () => stale.commits.length > 0)
  await other.engine.settle()
  await turn()
  expect(stale.commits).toEqual([200n])
  expect(other.committed.effects.length).toBeLessThan(1_000)
})

test('a message that is cut by the end of the process is left to its next owner, and not counted', async () => {
  let begun = 0
  const { engine, committed, transactions, lines } = engineOf([
    on(Placed, () => {
      begun += 1
      return new Promise<void>(() => undefined)
    }),
  ])
  const taken = new AbortController()
  const batch = batchOf(keyedRecords('a', 'b', 'c'), { signal: taken.signal })
  await engine.onBatch(batch)
  await until('the handlers', () => begun === 3)
  taken.abort()
  transactions.abort(new BackstitchError('STOP_DEADLINE_PASSED', 'here'))
  await engine.settle()
  expect([committed.letters, batch.commits]).toEqual([[], []])
  expect(lines.map(({ level, message }) => [level, message])).toEqual(
    Array.from({ length: 3 }, () => ['info', 'left a message to its next owner']),
  )
})

test('no more is in hand at a time than may be, partitions take turns, and one that waits holds up no other', async () => {
  let inHand = 0
  let most = 0
  const order: string[] = []
  const { engine } = engineOf(
    [
      on(Placed, async ({ body, partition }) => {
        inHand += 1
        most = Math.max(most, inHand)
        order.push(`${partition}/${body.n}`)
        for (let turns = 0; turns < 3; turns++) await turn()
        inHand -= 1
      }),
    ],
    { concurrencyMax: 3 },
  )
  const names = Array.from({ length: 30 }, (_, n) => `k${n}`)
  const batches = [0, 1].map((partition) =>
    batchOf(keyedRecords(...names).map((record) => ({ ...record, partition }))),
  )
  await Promise.all(batches.map((batch) => engine.onBatch(batch)))
  await Promise.all(batches.map(untilCommitted))
  expect(most).toBe(3)
  // the first partition had the first three; from then on they alternate
  const partitions = order.slice(4, 40).map((place) => place[0])
  expect(partitions.filter((partition) => partition === '0').length).toBeGreaterThanOrEqual(16)
  expect(partitions.filter((partition) => partition === '1').length).toBeGreaterThanOrEqual(16)
})

test('a partition with too much in hand is not read on until there is room', async () => {
  const gate = Promise.withResolvers<void>()
  const { engine } = engineOf([on(Placed, () => gate.promise)], {
    bounds: { partitionRecordsMax: 10, recordsMax: 1_000, bytesMax: 1_000_000 },
  })
  const few = batchOf(keyedRecords('a', 'b', 'c'))
  expect(await engine.onBatch(few)).toEqual({ kind: 'done' })
  const many = batchOf(
    keyedRecords(...Array.from({ length: 12 }, (_, n) => `k${n}`)).map((record) => ({
      ...record,
      partition: 1,
    })),
  )
  const result = await engine.onBatch(many)
  const room = 'pauseUntil' in result ? result.pauseUntil : undefined
  expect(room).toBeInstanceOf(Promise)
  let isRoomy = false
  void room?.then(() => (isRoomy = true))
  await turn()
  expect(isRoomy).toBe(false)
  gate.resolve()
  await untilCommitted(many)
  await room
})

test('bytes are bounded over all partitions, and room comes to those that are taken away', async () => {
  const taken = new AbortController()
  const { engine } = engineOf([on(Placed, () => new Promise<void>(() => undefined))], {
    bounds: { partitionRecordsMax: 1_000, recordsMax: 1_000, bytesMax: 2_000 },
  })
  await engine.onBatch(batchOf(keyedRecords('a', 'b', 'c')))
  const second = batchOf(
    keyedRecords('a', 'b', 'c').map((record) => ({ ...record, partition: 1 })),
    { signal: taken.signal },
  )
  const result = await engine.onBatch(second)
  const room = 'pauseUntil' in result ? result.pauseUntil : undefined
  expect(room).toBeInstanceOf(Promise)
  taken.abort()
  await room
})
