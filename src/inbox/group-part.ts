import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/database.ts'
import type { ProcessPart } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import { type Metrics, silentMetrics } from '../kernel/metrics/metrics.ts'
import type { TestSignals } from '../kernel/test-signals.ts'
import type { Subscriber } from '../transport/subscriber.ts'
import { type GroupInstruments, silentGroupInstruments } from './group-metrics.ts'
import type { AttemptWatch } from './attempts/attempt-watch.ts'
import { Dispatcher } from './engine/dispatcher.ts'
import { type PartitionProgress, withProgressGauges } from './engine/progress-gauges.ts'
import { unitRunner } from './engine/unit-runner.ts'
import { groupMember } from './group-member.ts'
import type { GroupWork } from './group-work.ts'
import type { HandlerRetry } from './handler-retry.ts'
import type { InboxStore } from './inbox-store.ts'
import { letterRedriver } from './letters/letter-redriver.ts'
import type { LetterStore } from './letters/letter-store.ts'
import { heardBy, withRedriver } from './letters/with-redriver.ts'
import { recordTransactions } from './record-transaction.ts'

/** What a group’s work needs around it. */
export type GroupPartOptions<Target> = {
  readonly work: GroupWork<Target>
  readonly database: Database
  readonly inbox: InboxStore
  readonly letters: LetterStore
  /** Looks whether the database answers and has the tables. */
  readonly checkDatabase: () => Promise<void>
  /** A new member of the group. */
  readonly subscriber: () => Subscriber
  readonly retry: HandlerRetry
  /** Transactions at the same time, over all partitions. */
  readonly concurrencyMax: number
  /** Takes note of what is begun. Default: nothing does. */
  readonly attempts?: AttemptWatch
  /** For one transaction, from the claim to the commit. */
  readonly handlerTimeoutMs: number
  readonly stopDeadlineMs: number
  readonly logger: Logger
  readonly signals: TestSignals
  readonly clock: Clock
  /** Default: nothing is measured. */
  readonly instruments?: GroupInstruments
  /** For the progress of each partition. Default: nothing is measured. */
  readonly metrics?: Metrics
}

/** A letter is left alone for longer than the database lets a transaction of ours last. */
const leaseMarginMs = 10_000

/** Makes a process part of a group’s work: one member of its consumer group, with the inbox before each message. */
export function groupPart<Target>(options: GroupPartOptions<Target>): ProcessPart {
  const { work, database, handlerTimeoutMs, instruments = silentGroupInstruments } = options
  const transactions = recordTransactions(database, {
    msMax: handlerTimeoutMs,
    ...(work.isolation && { isolation: work.isolation }),
  })
  const leaseMs = handlerTimeoutMs + leaseMarginMs
  const redriver = letterRedriver({
    ...options,
    instruments,
    transactions,
    leaseMs,
    ...(options.attempts && { turns: options.attempts.turns }),
  })
  const inbox = heardBy(options.inbox, redriver, () => options.clock.now())
  const runner = unitRunner({ ...options, inbox, instruments, transactions })
  const worker = new Dispatcher({ ...options, runner })
  const member = groupMember({ ...options, name: `${work.kind} ${work.group}`, transactions, worker })
  const { metrics = silentMetrics, clock } = options
  const progress = (): Iterable<PartitionProgress> => worker.progress
  const measured = withProgressGauges(member, { metrics, group: work.group, clock, progress })
  return withRedriver(measured, redriver)
}
