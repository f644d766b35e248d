import { expect, test } from 'vitest'
import { attemptWatch } from '../../../../src/inbox/attempts/attempt-watch.ts'
import { soloTurns, type SoloTurns } from '../../../../src/inbox/attempts/solo-turns.ts'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { RememberedAttempts } from '../attempts/remembered-attempts.ts'
import { batchOf, feed, until, untilCommitted } from '../hand-fed.ts'
import { engineOf, keyedRecords, Noted, noting, Placed, sorted } from './engine-of-orders.ts'

const place = { group: 'g', topic: 'outbox.event.order', partition: 0 }
const records = keyedRecords('a.1', 'b.1', 'killer.1', 'a.2', 'killer.2', 'c.1', 'b.2')
const innocent = ['a.1', 'a.2', 'b.1', 'b.2', 'c.1']

let members = 0
const watchOf = (log: RememberedAttempts, turns: SoloTurns = soloTurns()) =>
  attemptWatch({ log, group: 'g', owner: `member ${++members}`, killsMax: 3, turns, logger: silentLogger })

/** A member that dies with the killer in hand: it hangs, and the test goes on without it. */
async function memberThatDies(log: RememberedAttempts) {
  const begun: string[] = []
  let inHand = 0
  let besideKiller: number | undefined
  const member = engineOf(
    [
      on(Placed, async ({ body }, { tx }) => {
        begun.push(body.n)
        inHand += 1
        if (body.n === 'killer.1') {
          besideKiller = inHand - 1
          await new Promise(() => undefined)
        }
        await tx.query('effect', [body.n])
        await new Promise((resolve) => setImmediate(resolve))
        inHand -= 1
      }),
    ],
    { attempts: watchOf(log) },
  )
  await member.engine.onBatch(batchOf(records))
  await until('the killer is in hand', () => begun.includes('killer.1'))
  return { ...member, begun, besideKiller }
}

test('what kills its process is found out, alone, after all others are done, and is a dead letter before its fourth kill', async () => {
  const log = new RememberedAttempts()
  const first = await memberThatDies(log)
  expect(first.besideKiller).toBeGreaterThan(0)
  for (let death = 2; death <= 3; death++) {
    const next = await memberThatDies(log)
    expect(next.besideKiller).toBe(0)
    if (death === 3)
      expect([next.begun.at(-1), sorted(next.committed.effects)]).toEqual(['killer.1', innocent])
  }
  const last = engineOf([noting], { attempts: watchOf(log) })
  await feed(last.engine, records)
  expect(sorted(last.committed.effects)).toEqual(innocent)
  expect(last.committed.letters).toMatchObject([
    { reasonCode: 'MESSAGE_KILLS', attempts: 3, offset: 2n, state: 'dead' },
    { reasonCode: 'KEY_HELD', offset: 4n, state: 'retrying' },
  ])
  expect(log.row(place)).toMatchObject({ deaths: [], alone: undefined })
})

test('a killer for which there is no handler any more is passed over', async () => {
  const log = new RememberedAttempts()
  for (let death = 1; death <= 3; death++) await memberThatDies(log)
  const last = engineOf([on(Noted, () => undefined)], { attempts: watchOf(log) })
  const batch = batchOf(records)
  await last.engine.onBatch(batch)
  await untilCommitted(batch)
  expect(batch.commits.at(-1)).toBe(7n)
  expect(last.committed.letters).toEqual([])
})

test('a member that gave its partition back leaves no suspects', async () => {
  const log = new RememberedAttempts()
  const over = new AbortController()
  const { engine } = engineOf([noting], { attempts: watchOf(log) })
  const batch = batchOf(records, { signal: over.signal })
  await engine.onBatch(batch)
  await untilCommitted(batch)
  over.abort()
  await engine.settle()
  expect(log.row(place)).toMatchObject({ range: undefined, others: [], alone: undefined, isGivenBack: true })
})

test('what is in hand when a partition is taken away is no suspect once it has ended, and no death before', async () => {
  const log = new RememberedAttempts()
  const over = new AbortController()
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const { engine } = engineOf([on(Placed, () => (begun++, gate.promise))], { attempts: watchOf(log) })
  await engine.onBatch(batchOf(keyedRecords('a', 'b'), { signal: over.signal }))
  await until('both are in hand', () => begun === 2)
  over.abort()
  await until('it is said', () => log.row(place)?.isGivenBack === true)
  expect(log.row(place)?.range).toBeDefined()
  gate.resolve()
  await engine.settle()
  expect(log.row(place)?.range).toBeUndefined()
})

test('nothing begins before it is written down', async () => {
  const log = new RememberedAttempts()
  let fails = true
  log.beforeNote = () =>
    fails ? Promise.reject(new BackstitchError('DATABASE_UNREACHABLE', 'here')) : Promise.resolve()
  const { engine, committed, lines } = engineOf([noting], { attempts: watchOf(log) })
  const batch = batchOf(records)
  await engine.onBatch(batch)
  await until('it waits', () => lines.some(({ message }) => message.startsWith('a partition waits')))
  expect(committed.effects).toEqual([])
  fails = false
  await untilCommitted(batch)
  expect(committed.effects).toHaveLength(records.length)
})

test('of two groups in one process one suspect runs at a time', async () => {
  const turns = soloTurns()
  let inHand = 0
  let mostInHand = 0
  const handler = on(Placed, async () => {
    mostInHand = Math.max(mostInHand, ++inHand)
    await new Promise((resolve) => setImmediate(resolve))
    inHand -= 1
  })
  const batches = await Promise.all(
    [1, 2].map(async () => {
      const log = new RememberedAttempts()
      await memberThatDies(log)
      const { engine } = engineOf([handler], { attempts: watchOf(log, turns) })
      const batch = batchOf(records)
      await engine.onBatch(batch)
      return batch
    }),
  )
  for (const batch of batches) await untilCommitted(batch)
  expect(mostInHand).toBe(1)
})
