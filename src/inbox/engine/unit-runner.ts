import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import type { Clock } from '../../kernel/clock.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import { inTraceOf } from '../../message/trace-context.ts'
import { quoted } from '../../message/storable-text.ts'
import { type DeadLetter, deadLetterOf } from '../dead-letter.ts'
import { postponedMs } from '../events/handler-verdict.ts'
import { failureKind } from '../failure.ts'
import type { GroupInstruments } from '../group-metrics.ts'
import type { GroupWork, RetryOrder } from '../group-work.ts'
import type { HandlerRetry } from '../handler-retry.ts'
import { fingerprintOf } from '../identity/fingerprint.ts'
import { reusedId } from '../identity/reused-id.ts'
import type { ClaimOutcome, InboxEntry, InboxStore } from '../inbox-store.ts'
import type { Delivery } from '../record-reader.ts'
import { isOverdue, type RecordTransactions } from '../record-transaction.ts'
import type { Entry } from './lane.ts'
import { newTrouble, type Trouble } from './trouble.ts'

/**
 * What became of a unit.
 * - `done`: it is finished, but for the `rest`, whose records are to be run one by one
 * - `alone`: its records are to be run one by one
 * - `held`: a unit of one; its key waits. `isWaiting`: for the surroundings
 * - `waits`: the surroundings do not work; nothing was done, and others would fare alike
 * - `left`: the process goes down in the middle of it
 */
export type UnitOutcome =
  | { readonly kind: 'done'; readonly rest?: ReadonlySet<unknown> }
  | { readonly kind: 'alone' | 'left' }
  | {
      readonly kind: 'held'
      readonly retryAfterMs: number
      readonly isWaiting: boolean
      readonly thrown: unknown
    }
  | { readonly kind: 'waits'; readonly thrown: unknown }

/** What a runner works with. */
export type UnitRunnerOptions<Target> = {
  readonly work: GroupWork<Target>
  readonly inbox: InboxStore
  readonly transactions: RecordTransactions
  readonly retry: HandlerRetry
  readonly logger: Logger
  readonly signals: TestSignals
  readonly clock: Clock
  readonly instruments: GroupInstruments
}

/** Runs units, each in a transaction that begins with the claims of its messages. Never rejects. */
export type UnitRunner<Target> = (unit: readonly Entry<Target>[]) => Promise<UnitOutcome>

/** A deadlock or a serialization failure is gone at the next try; what loses twenty times in a row is not served by haste. */
const conflictsMax = 20
/** A batch locks much at once: after this many it is safer in pieces. */
const batchConflictsMax = 4
const conflictBackoff: BackoffPolicy = { initialMs: 2, maxMs: 100, factor: 2 }

/** While the surroundings of one message do not work: soon enough after they do, and seldom enough until then. */
export const waitBackoff: BackoffPolicy = { initialMs: 200, maxMs: 5_000, factor: 2 }

/** Past this a key is not blocked any longer by a message that fails: well below the time for which an inbox remembers its successors (E34). */
const defaultAgeMaxMs = 900_000

/** What there is to say of a dead letter beside its record. */
type Burial = {
  readonly messageId: string
  readonly type?: string
  readonly thrown: unknown
  readonly attempts: number
  readonly state?: DeadLetter['state']
  readonly dueAtMs?: number
}

/** Claims look for themselves whether the transaction has begun. */
const claimsFirst = { isFirstGuarded: true }

const done: UnitOutcome = { kind: 'done' }
const alone: UnitOutcome = { kind: 'alone' }
const left: UnitOutcome = { kind: 'left' }

/** Makes a {@link UnitRunner}. */
export function unitRunner<Target>(options: UnitRunnerOptions<Target>): UnitRunner<Target> {
  const { work, inbox, transactions, retry, logger, signals, clock, instruments } = options
  const { group, kind } = work
  const { ageMaxMs = defaultAgeMaxMs } = retry

  const run = async (unit: readonly Entry<Target>[]): Promise<UnitOutcome> => {
    const [first] = unit
    // a suspect is read when its turn comes, and may be of no concern any more
    if (first?.reading === undefined || first.reading.kind === 'skipped') return done
    if (first.reading.kind === 'unreadable') {
      const { id, type, error } = first.reading
      return bury(first, { messageId: id, ...(type !== undefined && { type }), thrown: error, attempts: 0 })
    }
    if (first.trouble?.burial !== undefined) return bury(first, { ...nameOf(first), ...first.trouble.burial })
    const trial = { inHandler: false }
    try {
      const outcomes = await applyThroughConflicts(unit, trial)
      return await settle(unit, outcomes)
    } catch (thrown) {
      const failure = failureKind(thrown, trial.inHandler)
      if (isBackstitchError(thrown, 'STOP_DEADLINE_PASSED')) return leave(first, thrown)
      // What takes too long in the database may wait for this message’s own lock: the others go on.
      if (isOverdue(thrown) && unit.length === 1 && failure === 'wait') return waits(first, thrown)
      if (failure === 'wait' && !trial.inHandler) return { kind: 'waits', thrown }
      return unit.length > 1 ? failedTogether(unit, thrown, failure) : failed(first, thrown, failure)
    }
  }

  const applyThroughConflicts = async (
    unit: readonly Entry<Target>[],
    trial: { inHandler: boolean },
  ): Promise<readonly ClaimOutcome[]> => {
    const triesMax = unit.length > 1 ? batchConflictsMax : conflictsMax
    for (let conflicts = 1; ; conflicts++) {
      try {
        return await apply(unit, deliveriesOf(unit), trial)
      } catch (thrown) {
        readAnew(unit)
        if (failureKind(thrown) !== 'conflict' || conflicts >= triesMax) throw thrown
        await clock.pause(backoffMs(conflicts, conflictBackoff, Math.random()))
      }
    }
  }

  /** A handler may have changed its messages before it failed, and the next try is to have them as they came. */
  const readAnew = (unit: readonly Entry<Target>[]): void => {
    for (const entry of unit) {
      const reading = work.read(entry.record)
      if (reading.kind === 'message') entry.reading = reading
    }
  }

  const apply = async (
    unit: readonly Entry<Target>[],
    deliveries: readonly Delivery<Target>[],
    trial: { inHandler: boolean },
  ): Promise<readonly ClaimOutcome[]> => {
    trial.inHandler = false
    const [first] = deliveries
    if (first === undefined) return []
    const attempt = (unit[0]?.trouble?.failures ?? 0) + 1
    const lockOn = work.lockOn?.(first)
    const claimOptions = { order: letterOrderOf(first), ...(lockOn !== undefined && { lockOn }) }
    const startedAtMs = performance.now()
    let handled = 0
    const outcomes = await transactions.run(async ({ tx, signal, handling }) => {
      const claimed = await inbox.claim(tx, group, inboxEntriesOf(unit, deliveries), claimOptions)
      const fresh = claimed.every(isFresh)
        ? deliveries
        : deliveries.filter((_, at) => claimed[at] === 'fresh')
      handled = fresh.length
      if (handled === 0) return claimed
      trial.inHandler = true
      const handle = (): Promise<void> => work.apply(tx, fresh, { attempt, signal })
      // messages of a batch come from many traces
      await handling(() => (fresh.length === 1 ? inTraceOf(first.message.context, handle) : handle()))
      trial.inHandler = false
      await signals.reach(`${kind}.commit.before`)
      return claimed
    }, claimsFirst)
    if (handled > 0) {
      instruments.handled.add(handled)
      instruments.duration.record((performance.now() - startedAtMs) / 1_000)
      await signals.reach(`${kind}.commit.after`)
    }
    if (handled < deliveries.length) passedOver(first, outcomes)
    return outcomes
  }

  /** What a claim found besides fresh and handled messages becomes dead letters, one by one. */
  const settle = async (
    unit: readonly Entry<Target>[],
    outcomes: readonly ClaimOutcome[],
  ): Promise<UnitOutcome> => {
    if (outcomes.every((outcome) => outcome === 'fresh' || outcome === 'duplicate')) return done
    const rest = unit.filter((_, at) => outcomes[at] === 'held' || outcomes[at] === 'reused')
    const [first] = rest
    if (unit.length > 1 || first === undefined) return { kind: 'done', rest: new Set(rest) }
    const name = nameOf(first)
    if (outcomes[0] === 'held') {
      const thrown = new BackstitchError('KEY_HELD', `${first.record.topic}, key ${quoted(keyOf(first))}`)
      return bury(first, { ...name, thrown, attempts: 0, state: 'retrying' })
    }
    const messageId = reusedId(name.messageId, fingerprintOf(first.record.value))
    return bury(first, {
      ...name,
      messageId,
      thrown: new BackstitchError('MESSAGE_ID_REUSED', name.messageId),
      attempts: 0,
    })
  }

  const passedOver = ({ message }: Delivery<Target>, outcomes: readonly ClaimOutcome[]): void => {
    let count = 0
    for (const outcome of outcomes) if (outcome === 'duplicate') count += 1
    if (count === 0) return
    instruments.duplicates.add(count)
    logger.debug(
      { messageId: message.id, topic: message.topic, count },
      'passed over a message that was handled before',
    )
  }

  const retryOrderOf = (delivery: Delivery<Target> | undefined): RetryOrder =>
    (delivery && work.retryOrder?.(delivery.target)) ?? retry.order ?? 'key'

  /** Whether a dead letter holds the later messages of its key. */
  const letterOrderOf = (delivery: Delivery<Target> | undefined): RetryOrder =>
    retryOrderOf(delivery) === 'none' ? 'none' : (work.order ?? 'key')

  const failedTogether = (
    unit: readonly Entry<Target>[],
    thrown: unknown,
    failure: ReturnType<typeof failureKind>,
  ): UnitOutcome => {
    instruments.failures.add(1)
    // one of them may be what ends the server’s process
    if (failure === 'lost')
      for (const entry of unit) {
        entry.isSuspect = true
        troubleOf(entry).hasLost = true
      }
    const [first] = unit
    logger.info(
      { ...(first && placeOf(first)), messages: unit.length, reason: reasonOf(thrown) },
      'a batch failed; its messages are handled one by one',
    )
    return alone
  }

  const failed = async (
    entry: Entry<Target>,
    thrown: unknown,
    failure: ReturnType<typeof failureKind>,
  ): Promise<UnitOutcome> => {
    const trouble = troubleOf(entry)
    if (failure === 'wait') return waits(entry, thrown)
    if (failure === 'postponed') return postponed(entry, thrown)
    if (failure === 'lost' && !trouble.hasLost) {
      trouble.hasLost = true
      entry.isSuspect = true
      return waits(entry, thrown)
    }
    trouble.hasLost = failure === 'lost'
    entry.isSuspect = trouble.hasLost
    const nowMs = clock.now()
    const attempts = ++trouble.failures
    trouble.waits = 0
    trouble.reason = reasonOf(thrown)
    trouble.sinceMs ??= nowMs
    const retryAfterMs = backoffMs(attempts, retry.backoff, Math.random())
    const isTooOld = nowMs + retryAfterMs - trouble.sinceMs > ageMaxMs
    if (failure === 'permanent' || attempts >= retry.attemptsMax || isTooOld) {
      trouble.burial = { thrown, attempts }
      return bury(entry, { ...nameOf(entry), thrown, attempts })
    }
    instruments.failures.add(1)
    logger.warn(
      { ...placeOf(entry), ...nameOf(entry), attempt: attempts, retryAfterMs, err: thrown },
      'handling a message failed; it is tried again',
    )
    if (retryOrderOf(deliveryOf(entry)) === 'none') {
      const dueAtMs = nowMs + retryAfterMs
      return bury(entry, { ...nameOf(entry), thrown, attempts, state: 'retrying', dueAtMs })
    }
    return { kind: 'held', retryAfterMs, isWaiting: false, thrown }
  }

  const postponed = (entry: Entry<Target>, thrown: unknown): UnitOutcome | Promise<UnitOutcome> => {
    const trouble = troubleOf(entry)
    const nowMs = clock.now()
    trouble.sinceMs ??= nowMs
    const retryAfterMs = postponedMs(thrown) ?? 0
    const fields = { ...placeOf(entry), ...nameOf(entry), retryAfterMs, reason: reasonOf(thrown) }
    logger.info(fields, 'a handler wants a message later')
    const dueAtMs = nowMs + retryAfterMs
    // longer than a key may be blocked: in the line of dead letters the order holds as well
    if (retryOrderOf(deliveryOf(entry)) === 'none' || dueAtMs - trouble.sinceMs > ageMaxMs)
      return bury(entry, {
        ...nameOf(entry),
        thrown,
        attempts: trouble.failures,
        state: 'retrying',
        dueAtMs,
      })
    return { kind: 'held', retryAfterMs, isWaiting: false, thrown }
  }

  const bury = async (entry: Entry<Target>, about: Burial): Promise<UnitOutcome> => {
    const letter = deadLetterOf(entry.record, { group, order: letterOrderOf(deliveryOf(entry)), ...about })
    let buried: boolean
    try {
      buried = await transactions.run(async ({ tx }) => {
        const claimed = await inbox.bury(tx, letter)
        await signals.reach(`${kind}.deadletter.before`)
        return claimed
      })
    } catch (thrown) {
      // Whatever it is, going on without the dead letter would lose the message.
      if (isBackstitchError(thrown, 'STOP_DEADLINE_PASSED')) return leave(entry, thrown)
      return failureKind(thrown) === 'wait' ? { kind: 'waits', thrown } : waits(entry, thrown)
    }
    await signals.reach(`${kind}.deadletter.after`)
    const { messageId, type, reasonCode: code, reason, attempts, state } = letter
    const fields = { ...placeOf(entry), messageId, type, code, reason, attempts }
    if (buried && state === 'dead') instruments.deadLetters.add(1)
    if (buried && code === 'KEY_HELD') logger.info(fields, 'put a message behind the dead letters of its key')
    else if (buried && state === 'retrying') logger.debug(fields, 'put a message aside until its next try')
    else if (buried) logger.error(fields, 'put a message among the dead letters')
    else logger.info(fields, 'passed over a message that was handled before')
    return done
  }

  const waits = (entry: Entry<Target>, thrown: unknown): UnitOutcome => {
    const trouble = troubleOf(entry)
    const retryAfterMs = backoffMs(++trouble.waits, waitBackoff, Math.random())
    instruments.failures.add(1)
    trouble.reason = reasonOf(thrown)
    return { kind: 'held', retryAfterMs, isWaiting: true, thrown }
  }

  const leave = (entry: Entry<Target>, thrown: unknown): UnitOutcome => {
    logger.info({ ...placeOf(entry), reason: reasonOf(thrown) }, 'left a message to its next owner')
    return left
  }

  return async (unit) => {
    try {
      return await run(unit)
    } catch (thrown) {
      // nothing foreseen throws; what is unforeseen must cost neither the message nor the process
      return { kind: 'waits', thrown }
    }
  }
}

const isFresh = (outcome: ClaimOutcome): boolean => outcome === 'fresh'

function keyOf<Target>({ record }: Entry<Target>): string {
  return record.key?.toString('utf8') ?? ''
}

function deliveryOf<Target>({ reading }: Entry<Target>): Delivery<Target> | undefined {
  return reading?.kind === 'message' ? reading : undefined
}

function troubleOf<Target>(entry: Entry<Target>): Trouble {
  return (entry.trouble ??= newTrouble())
}

function deliveriesOf<Target>(unit: readonly Entry<Target>[]): Delivery<Target>[] {
  const deliveries: Delivery<Target>[] = []
  for (const { reading } of unit) if (reading?.kind === 'message') deliveries.push(reading)
  return deliveries
}

function inboxEntriesOf<Target>(
  unit: readonly Entry<Target>[],
  deliveries: readonly Delivery<Target>[],
): InboxEntry[] {
  return deliveries.map(({ message }, at) => ({
    source: message.topic,
    id: message.id,
    fingerprint: fingerprintOf(unit[at]?.record.value ?? null),
    key: unit[at]?.record.key ?? null,
  }))
}

function nameOf<Target>({ reading }: Entry<Target>): { messageId: string; type?: string } {
  if (reading?.kind === 'message') return { messageId: reading.message.id, type: reading.message.type }
  return { messageId: reading?.kind === 'unreadable' ? reading.id : '' }
}

/** Where a record is, for the log. */
export function placeOf<Target>({ record: { topic, partition, offset } }: Entry<Target>): {
  topic: string
  partition: number
  offset: string
} {
  return { topic, partition, offset: String(offset) }
}
