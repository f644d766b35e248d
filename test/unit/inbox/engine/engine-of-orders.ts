import { z } from 'zod'
import { Dispatcher, type DispatcherOptions } from '../../../../src/inbox/engine/dispatcher.ts'
import { unitRunner } from '../../../../src/inbox/engine/unit-runner.ts'
import { type EventSubscription, on } from '../../../../src/inbox/events/event-subscription.ts'
import { eventWork } from '../../../../src/inbox/events/event-work.ts'
import { silentGroupInstruments } from '../../../../src/inbox/group-metrics.ts'
import type { GroupWork } from '../../../../src/inbox/group-work.ts'
import type { HandlerRetry } from '../../../../src/inbox/handler-retry.ts'
import { recordTransactions } from '../../../../src/inbox/record-transaction.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import type { Logger } from '../../../../src/kernel/logger.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { event } from '../../../../src/message/event.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import type { OutboxWriter } from '../../../../src/outbox/outbox.ts'
import type { ReceivedRecord } from '../../../../src/transport/subscriber.ts'
import { fakeDatabase } from '../fake-database.ts'
import { keptLines } from '../log-lines.ts'
import { messageHeaders, recordWith } from '../records.ts'
import { leapingClock } from './leaping-clock.ts'

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

/** Orders of one key. */
export function recordsOf(...names: readonly string[]): ReceivedRecord[] {
  return names.map((n, index) =>
    recordWith({ offset: BigInt(index), value: { n }, headers: messageHeaders('order.placed') }),
  )
}

/** Orders of which each has its name before the first dot as its key. */
export function keyedRecords(...names: readonly string[]): ReceivedRecord[] {
  return names.map((n, index) =>
    recordWith({
      offset: BigInt(index),
      key: n.split('.')[0] ?? n,
      value: { n },
      headers: messageHeaders('order.placed'),
    }),
  )
}

/** How an engine of a test runs. */
export type EngineOptions = {
  readonly handlerTimeoutMs?: number
  readonly retry?: Partial<HandlerRetry>
} & Partial<Pick<DispatcherOptions<never>, 'concurrencyMax' | 'bounds' | 'attempts' | 'clock'>>

type Around = { readonly logger: Logger; readonly outbox: OutboxWriter }

/** An engine over a database in memory. */
export function engineOver<Target>(
  workOf: (around: Around) => GroupWork<Target>,
  options: EngineOptions = {},
) {
  const fake = fakeDatabase()
  const { logger, lines } = keptLines()
  const points: string[] = []
  const { handlerTimeoutMs = 10_000, concurrencyMax = 8, bounds, attempts } = options
  const clock = options.clock ?? leapingClock()
  const transactions = recordTransactions(fake.database, { msMax: handlerTimeoutMs })
  const work = workOf({ logger, outbox: fake.outbox })
  const signals = { reach: (point: string) => void points.push(point) }
  const runner = unitRunner({
    work,
    inbox: fake.inbox,
    transactions,
    retry: { attemptsMax: 3, backoff: { initialMs: 100, maxMs: 1_000, factor: 2 }, ...options.retry },
    logger,
    signals,
    clock,
    instruments: silentGroupInstruments,
  })
  const engine = new Dispatcher({
    work,
    runner,
    concurrencyMax,
    logger,
    signals,
    clock,
    ...(bounds && { bounds }),
    ...(attempts && { attempts }),
  })
  return { ...fake, engine, work, transactions, lines, points, clock }
}

/** The engine of the group `g`. */
export function engineOf(subscriptions: readonly EventSubscription[], options: EngineOptions = {}) {
  return engineOver(
    ({ logger, outbox }) =>
      eventWork({
        group: 'g',
        subscriptions,
        topicPrefix: 'outbox.event.',
        codec: jsonCodec,
        limits: defaultBodyLimits,
        outbox,
        logger,
      }),
    options,
  )
}

/** Notes its message as an effect. */
export const noting = on(Placed, async ({ body }, { tx }) => void (await tx.query('effect', [body.n])))

/** Effects whose order says nothing. */
export function sorted(names: readonly unknown[]): string[] {
  return names.map(String).toSorted((one, other) => (one < other ? -1 : 1))
}
