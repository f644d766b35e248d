import { z } from 'zod'
import { type EventSubscription, on } from '../../../src/inbox/events/event-subscription.ts'
import { eventWork } from '../../../src/inbox/events/event-work.ts'
import { partitionWorker } from '../../../src/inbox/partition-worker.ts'
import { recordTransactions } from '../../../src/inbox/record-transaction.ts'
import type { Clock } from '../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import { jsonCodec } from '../../../src/message/codec.ts'
import { event } from '../../../src/message/event.ts'
import { defaultBodyLimits } from '../../../src/message/limits.ts'
import type { ReceivedRecord } from '../../../src/transport/subscriber.ts'
import { fakeDatabase } from './fake-database.ts'
import { keptLines } from './log-lines.ts'
import { messageHeaders, recordWith } from './records.ts'

export const Placed = event('order.placed', {
  version: 1,
  key: (o) => o.n,
  payload: z.object({ n: z.string() }),
})
export const Noted = event('note.taken', {
  version: 1,
  key: (o) => o.n,
  payload: z.object({ n: z.string() }),
})
export const unreachable = (): BackstitchError => new BackstitchError('DATABASE_UNREACHABLE', 'here')

export function recordsOf(...names: readonly string[]): ReceivedRecord[] {
  return names.map((n, index) =>
    recordWith({ offset: BigInt(index), key: n, value: { n }, headers: messageHeaders('order.placed') }),
  )
}

/** A worker of the group `g` over a database in memory. */
export function workerOf(
  subscriptions: readonly EventSubscription[],
  options: { readonly handlerTimeoutMs?: number; readonly nowMs?: () => number } = {},
) {
  const fake = fakeDatabase()
  const { logger, lines } = keptLines()
  const points: string[] = []
  const clock: Clock = { now: options.nowMs ?? (() => 0), pause: () => Promise.resolve() }
  const transactions = recordTransactions(fake.database, { msMax: options.handlerTimeoutMs ?? 10_000 })
  const worker = partitionWorker({
    work: eventWork({
      group: 'g',
      subscriptions,
      topicPrefix: 'outbox.event.',
      codec: jsonCodec,
      limits: defaultBodyLimits,
      outbox: fake.outbox,
      logger,
    }),
    inbox: fake.inbox,
    transactions,
    retry: { attemptsMax: 3, backoff: { initialMs: 100, maxMs: 1_000, factor: 2 } },
    logger,
    signals: { reach: (point) => void points.push(point) },
    clock,
  })
  return { ...fake, worker, transactions, lines, points }
}

/** Notes its message as an effect. */
export const noting = on(Placed, async ({ body }, { tx }) => void (await tx.query('effect', [body.n])))
