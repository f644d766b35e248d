import { expect, test } from 'vitest'
import { groupMember } from '../../../src/inbox/group-member.ts'
import type { GroupWorker } from '../../../src/inbox/group-worker.ts'
import { recordTransactions } from '../../../src/inbox/record-transaction.ts'
import type { Clock } from '../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import type { ProcessPart } from '../../../src/kernel/lifecycle.ts'
import type { Subscriber } from '../../../src/transport/subscriber.ts'
import { fakeDatabase } from './fake-database.ts'
import { keptLines } from './log-lines.ts'

type Faults = { readonly database?: (Error | undefined)[]; readonly kafka?: (Error | undefined)[] }

/** A member whose servers answer with these faults first, and after them well. */
function memberOf(faults: Faults, options: { stopDeadlineMs?: number; worker?: Partial<GroupWorker> } = {}) {
  const { logger, lines } = keptLines()
  const stops: (number | undefined)[] = []
  const pausesMs: number[] = []
  const states: ReturnType<ProcessPart['health']>[] = []
  const transactions = recordTransactions(fakeDatabase().database, { msMax: 10_000 })
  const answer = (queue: (Error | undefined)[] | undefined): void => {
    const thrown = queue?.shift()
    if (thrown) throw thrown
  }
  const clock: Clock = {
    now: () => 0,
    pause: async (ms) => {
      pausesMs.push(ms)
      states.push(member.health())
    },
  }
  const subscriber = (): Subscriber => ({
    run: async () => answer(faults.kafka),
    stop: async ({ graceMs } = {}) => void stops.push(graceMs),
    assignment: () => ['t/0'],
  })
  const member = groupMember({
    name: 'consumer g',
    checkDatabase: async () => answer(faults.database),
    subscriber,
    worker: { onBatch: async () => ({ kind: 'done' }), trouble: () => undefined, ...options.worker },
    transactions,
    logger,
    clock,
    stopDeadlineMs: options.stopDeadlineMs ?? 1_000,
  })
  return { member, lines, stops, pausesMs, states, transactions }
}

const fault = (code: 'DATABASE_UNREACHABLE' | 'KAFKA_UNREACHABLE' | 'SCHEMA_MISSING'): BackstitchError =>
  new BackstitchError(code, 'here')

test('it waits for servers that do not answer, with one line for each', async () => {
  const { member, lines, pausesMs, states, stops } = memberOf({
    database: [fault('DATABASE_UNREACHABLE'), fault('DATABASE_UNREACHABLE')],
    kafka: [fault('KAFKA_UNREACHABLE')],
  })
  expect(member.health()).toEqual({ state: 'starting' })
  await member.start()
  expect(member.health()).toEqual({ state: 'running' })
  expect(pausesMs).toHaveLength(3)
  expect(states.map(({ state }) => state)).toEqual(['failing', 'failing', 'failing'])
  expect(states[0]?.reason).toMatch(/^database: DATABASE_UNREACHABLE/)
  expect(states[2]?.reason).toMatch(/^Kafka: KAFKA_UNREACHABLE/)
  expect(lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toMatchObject([
    { server: 'database', code: 'DATABASE_UNREACHABLE' },
    { server: 'Kafka', code: 'KAFKA_UNREACHABLE' },
  ])
  expect(stops).toHaveLength(1) // the subscriber that could not run was let go
})

test('it does not wait where that cannot help', async () => {
  const { member } = memberOf({ database: [fault('SCHEMA_MISSING')] })
  await expect(member.start()).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
  expect(member.health()).toMatchObject({
    state: 'failing',
    reason: expect.stringContaining('SCHEMA_MISSING'),
  })
})

test('a stop ends the wait, and nothing is begun after it', async () => {
  const { member, stops } = memberOf({
    database: Array.from({ length: 10 }, () => fault('DATABASE_UNREACHABLE')),
  })
  const started = member.start()
  await member.stop()
  await started
  expect(member.health()).toEqual({ state: 'stopped' })
  expect(stops).toEqual([])
})

test('start and stop may be called twice', async () => {
  const { member, stops } = memberOf({})
  await Promise.all([member.start(), member.start()])
  await Promise.all([member.stop(), member.stop()])
  expect(stops).toEqual([2_000])
})

test('trouble of a partition shows in the health', async () => {
  const { member } = memberOf({}, { worker: { trouble: (held) => `${held.join()} at offset 3: why` } })
  await member.start()
  expect(member.health()).toEqual({ state: 'failing', reason: 't/0 at offset 3: why' })
})

test('past its deadline a stop cuts the messages in hand', async () => {
  const { lines, transactions } = memberOf({})
  let cut: unknown
  const inHand = transactions
    .run(() => new Promise<void>(() => undefined))
    .catch((thrown: unknown) => (cut = thrown))
  const slow = groupMember({
    name: 'consumer g',
    checkDatabase: async () => undefined,
    // A subscriber waits for the batches in hand.
    subscriber: () => ({
      run: async () => undefined,
      stop: async () => void (await inHand),
      assignment: () => [],
    }),
    worker: { onBatch: async () => ({ kind: 'done' }), trouble: () => undefined },
    transactions,
    logger: keptLines().logger,
    clock: { now: () => 0, pause: async () => undefined },
    stopDeadlineMs: 5,
  })
  await slow.start()
  await slow.stop()
  expect(cut).toMatchObject({ code: 'STOP_DEADLINE_PASSED' })
  await expect(transactions.run(async () => 'begun')).rejects.toMatchObject({ code: 'STOP_DEADLINE_PASSED' })
  expect(lines).toEqual([])
})
