import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { recordTransactions } from '../../../src/inbox/record-transaction.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { BackstitchError, isBackstitchError } from '../../../src/kernel/errors.ts'
import { newId } from '../../../src/kernel/ids.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { jsonCodec } from '../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../src/message/limits.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { pgSagaStore } from '../../../src/postgres/saga/pg-saga-store.ts'
import { sagaPool } from '../../../src/postgres/saga/saga-pool.ts'
import { advance, startSaga } from '../../../src/saga/machine/saga-machine.ts'
import { messageApplier } from '../../../src/saga/orchestrator/message-applier.ts'
import { readSagaRecord } from '../../../src/saga/orchestrator/read-saga-record.ts'
import type { SagaMessage } from '../../../src/saga/orchestrator/saga-message.ts'
import type { SagaWork } from '../../../src/saga/orchestrator/saga-work.ts'
import { definitionRegistry } from '../../../src/saga/transition/definition-registry.ts'
import { recordWith } from '../../unit/inbox/records.ts'
import { replyRecord, replyTopic, sagaWorld } from './saga-world.ts'
import { orderSaga } from './shop.ts'

const saga = orderSaga()
const workers = 4
const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31))

it(`applies each of many messages once: few hot sagas, duplicates, several processes on the same messages, rollbacks (SEED=${seed})`, async () => {
  const random = randomFrom(seed)
  const world = await sagaWorld()
  const pool = sagaPool(world.pool, workers)
  const orders = Array.from({ length: 25 }, (_, n) => ({ orderId: `o-${n}`, total: 1 }))
  await world.transaction((tx) => saga.startMany(tx, orders))
  const commands = await world.commands()
  // The first answer settles the step; each other one comes too late, and is one line of history.
  const messages = Array.from({ length: 1_500 }, (_, n): SagaMessage => {
    const command = commands[n < 25 ? n : Math.floor(random() * 25)]!
    const { key, value, headers } = replyRecord(
      command,
      n < 25 ? 'ok' : 'rejected.outOfStock',
      { reservationId: 'r', left: 0 },
      { id: newId() },
    )
    return readSagaRecord(
      recordWith({ topic: replyTopic, offset: BigInt(n), key, value: Buffer.from(value!), headers }),
      {
        codec: jsonCodec,
        limits: defaultBodyLimits,
      },
    )
  })
  const conflicts: unknown[] = []
  let rollbacks = 0
  const transactions = recordTransactions(pgDatabase(pool), { msMax: 10_000 })
  const work: SagaWork = {
    group: 'orchestrator',
    store: pgSagaStore('backstitch', 'orchestrator'),
    transactions: {
      ...transactions,
      run: (body) =>
        transactions.run(body).catch((thrown: unknown) => {
          if (isBackstitchError(thrown, 'TRANSACTION_CONFLICT')) conflicts.push(thrown)
          throw thrown
        }),
    },
    registry: definitionRegistry([saga]),
    machine: { startSaga, advance },
    encoding: { codec: jsonCodec, limits: defaultBodyLimits },
    logger: silentLogger,
    signals: {
      reach: (point) => {
        if (point !== 'orchestrator.commit.before' || random() > 0.2) return
        rollbacks++
        throw new BackstitchError('DATABASE_FAILING', 'the test rolls it back')
      },
    },
    clock: systemClock,
    committed: () => undefined,
  }
  const applier = messageApplier(work)
  const applyAll = async (batches: readonly (readonly SagaMessage[])[]): Promise<void> => {
    for (const batch of batches)
      for (;;)
        try {
          await applier.apply(batch)
          break
        } catch (thrown) {
          if (!isBackstitchError(thrown, 'DATABASE_FAILING')) throw thrown
        }
  }
  // The first answers come first; then each worker has its share, and a quarter of all others’ messages as well, in its own order.
  await applyAll([messages.slice(0, 25)])
  await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const share = messages.slice(25).filter((_message, n) => n % workers === worker || random() < 0.25)
      const mixed = share.map((message) => [random(), message] as const).sort(([a], [b]) => a - b)
      return applyAll(
        inBatches(
          mixed.map(([, message]) => message),
          random,
        ),
      )
    }),
  )
  await pool.end()

  expect(conflicts).toEqual([])
  expect(rollbacks).toBeGreaterThan(0)
  expect(await world.count('inbox')).toBe(messages.length)
  const { rows } = await world.pool.query<{ revisions: number; lines: number; late: number; gaps: number }>(
    `select (select sum(revision) from backstitch.saga_instance)::integer as revisions,
      (select count(distinct (saga_id, revision)) from backstitch.saga_history)::integer as lines,
      (select count(*) from backstitch.saga_history where kind = 'late')::integer as late,
      (select count(*) from backstitch.saga_instance i
       where revision <> (select max(revision) from backstitch.saga_history h where h.saga_id = i.id))::integer as gaps`,
  )
  expect(rows).toEqual([
    { revisions: messages.length + 25, lines: messages.length + 25, late: messages.length - 25, gaps: 0 },
  ])
  expect(await world.count('outbox')).toBe(50)
})

function inBatches<Item>(items: readonly Item[], random: () => number): Item[][] {
  const batches: Item[][] = []
  for (let from = 0; from < items.length; ) {
    const size = 1 + Math.floor(random() * 80)
    batches.push(items.slice(from, from + size))
    from += size
  }
  return batches
}

/** mulberry32 */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
