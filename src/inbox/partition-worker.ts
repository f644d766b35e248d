import { type BackoffPolicy, backoffMs } from '../kernel/backoff.ts'
import type { Clock } from '../kernel/clock.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { ReceivedMessage } from '../message/message.ts'
import { quoted } from '../message/storable-text.ts'
import { inTraceOf } from '../message/trace-context.ts'
import type { TestSignals } from '../kernel/test-signals.ts'
import type { BatchResult, ReceivedBatch, ReceivedRecord } from '../transport/subscriber.ts'
import { type DeadLetter, deadLetterOf } from './dead-letter.ts'
import { failureKind } from './failure.ts'
import { postponedMs } from './events/handler-verdict.ts'
import { type GroupInstruments, silentGroupInstruments } from './group-metrics.ts'
import type { GroupWork } from './group-work.ts'
import { fingerprintOf } from './identity/fingerprint.ts'
import { reusedId } from './identity/reused-id.ts'
import type { ClaimOutcome, InboxStore } from './inbox-store.ts'
import { offsetProgress } from './offset-progress.ts'
import type { Delivery } from './record-reader.ts'
import type { RecordTransactions } from './record-transaction.ts'
import { type Trouble, troubleLedger } from './trouble-ledger.ts'

/** How often a message is tried before it becomes a dead letter, and how long to wait between the tries. The partition waits with it. */
export type HandlerRetry = { readonly attemptsMax: number; readonly backoff: BackoffPolicy }

/** Handles the batches of all partitions that a member holds. */
export type PartitionWorker = {
  /** Never rejects. */
  readonly onBatch: (batch: ReceivedBatch) => Promise<BatchResult>
  /** Why one of these partitions does not go on, if so. */
  trouble(held: readonly string[]): string | undefined
}

/** What a worker works with. */
export type PartitionWorkerOptions<Target> = {
  readonly work: GroupWork<Target>
  readonly inbox: InboxStore
  readonly transactions: RecordTransactions
  readonly retry: HandlerRetry
  readonly logger: Logger
  readonly signals: TestSignals
  readonly clock: Clock
  /** Default: nothing is measured. */
  readonly instruments?: GroupInstruments
}

/** A deadlock or a serialization failure is gone at the next try; what loses twenty times in a row is not served by haste. */
const conflictsMax = 20
const conflictBackoff: BackoffPolicy = { initialMs: 2, maxMs: 100, factor: 2 }

/** While the surroundings do not work: soon enough after they do, and seldom enough until then. */
const waitBackoff: BackoffPolicy = { initialMs: 200, maxMs: 5_000, factor: 2 }

/** One call of a handler. */
type Trial = { readonly attempt: number; inHandler: boolean }

/** What there is to say of a dead letter beside its record. */
type Burial = {
  readonly messageId: string
  readonly type?: string
  readonly thrown: unknown
  readonly attempts: number
  readonly state?: DeadLetter['state']
}

/** What became of a record. */
type Handled = 'done' | { readonly retryAfterMs: number }

/**
 * Makes the worker of a group member. The records of a partition are handled one after the other, each in a transaction of its own that
 * begins with the claim in the inbox; offsets are committed after the database has. Partitions do not wait for each other.
 */
export function partitionWorker<Target>(options: PartitionWorkerOptions<Target>): PartitionWorker {
  const { work, inbox, transactions, retry, logger, signals, clock } = options
  const { group, kind, order = 'key' } = work
  const instruments = options.instruments ?? silentGroupInstruments
  const troubles = troubleLedger()
  let suspects: Promise<unknown> = Promise.resolve()

  const onBatch = async (batch: ReceivedBatch): Promise<BatchResult> => {
    const progress = offsetProgress(batch, { signals, kind, nowMs: () => clock.now() })
    for (const record of batch.records) {
      const result = batch.signal.aborted ? { retryAfterMs: 0 } : await handle(record)
      if (result !== 'done') {
        await progress.commit()
        return { kind: 'retryAfter', retryAfterMs: result.retryAfterMs, nextOffset: record.offset }
      }
      goesOn(record)
      await progress.done(record.offset)
      if (progress.lost) return { kind: 'done' }
    }
    await progress.commit()
    return { kind: 'done' }
  }

  const handle = async (record: ReceivedRecord): Promise<Handled> => {
    const reading = work.read(record)
    if (reading.kind === 'skipped') return 'done'
    if (reading.kind === 'unreadable') {
      const { id, type, error } = reading
      return bury(record, { messageId: id, ...(type !== undefined && { type }), thrown: error, attempts: 0 })
    }
    const trouble = troubles.of(placeOf(record), record.offset)
    const { id: messageId, type } = reading.message
    if (trouble?.burial) return bury(record, { messageId, type, ...trouble.burial })
    const trial: Trial = { attempt: (trouble?.failures ?? 0) + 1, inHandler: false }
    const fingerprint = fingerprintOf(record.value)
    try {
      const outcome = await (trouble?.isSuspect
        ? applyAlone(record, reading, trial)
        : applyThroughConflicts(record, reading, trial))
      if (outcome === 'held') {
        const thrown = new BackstitchError('KEY_HELD', `${record.topic}, key ${quoted(reading.message.key)}`)
        return await bury(record, { messageId, type, thrown, attempts: 0, state: 'retrying' })
      }
      if (outcome === 'reused') {
        const thrown = new BackstitchError('MESSAGE_ID_REUSED', messageId)
        return await bury(record, { messageId: reusedId(messageId, fingerprint), type, thrown, attempts: 0 })
      }
      return 'done'
    } catch (thrown) {
      return failed(record, reading, thrown, trial)
    }
  }

  /** A server process that crashes takes the others with it: suspects run one at a time, so that the innocent are not blamed with the culprit. */
  const applyAlone = (
    record: ReceivedRecord,
    delivery: Delivery<Target>,
    trial: Trial,
  ): Promise<ClaimOutcome> => {
    const applied = suspects.then(() => applyThroughConflicts(record, delivery, trial))
    suspects = applied.catch(() => undefined)
    return applied
  }

  const applyThroughConflicts = async (
    record: ReceivedRecord,
    delivery: Delivery<Target>,
    trial: Trial,
  ): Promise<ClaimOutcome> => {
    for (let conflicts = 1; ; conflicts++) {
      try {
        return await apply(record, delivery, trial)
      } catch (thrown) {
        if (failureKind(thrown) !== 'conflict' || conflicts >= conflictsMax) throw thrown
        await clock.pause(backoffMs(conflicts, conflictBackoff, Math.random()))
      }
    }
  }

  const apply = async (
    record: ReceivedRecord,
    delivery: Delivery<Target>,
    trial: Trial,
  ): Promise<ClaimOutcome> => {
    const { message } = delivery
    const { attempt } = trial
    trial.inHandler = false
    const { topic: source, key } = record
    const entry = { source, id: message.id, fingerprint: fingerprintOf(record.value), key }
    const lockOn = work.lockOn?.(delivery)
    const startedAtMs = performance.now()
    const outcome = await transactions.run(async ({ tx, signal, handling }) => {
      const options = { order, ...(lockOn !== undefined && { lockOn }) }
      const [claimed = 'duplicate'] = await inbox.claim(tx, group, [entry], options)
      if (claimed !== 'fresh') return claimed
      trial.inHandler = true
      await handling(() => inTraceOf(message.context, () => work.apply(tx, [delivery], { attempt, signal })))
      trial.inHandler = false
      await signals.reach(`${kind}.commit.before`)
      return claimed
    })
    if (outcome === 'fresh') {
      instruments.handled.add(1)
      instruments.duration.record((performance.now() - startedAtMs) / 1_000)
      await signals.reach(`${kind}.commit.after`)
    } else if (outcome === 'duplicate') {
      instruments.duplicates.add(1)
      logger.debug(
        { messageId: message.id, topic: message.topic },
        'passed over a message that was handled before',
      )
    }
    return outcome
  }

  const failed = async (
    record: ReceivedRecord,
    { message }: Delivery<Target>,
    thrown: unknown,
    { inHandler }: Trial,
  ): Promise<Handled> => {
    const kind = failureKind(thrown, inHandler)
    if (kind === 'wait') return waits(record, thrown)
    if (kind === 'postponed') return postponed(record, message, thrown)
    const trouble = troubles.begin(placeOf(record), record.offset)
    if (kind === 'lost' && !trouble.isSuspect) {
      trouble.isSuspect = true
      return waits(record, thrown)
    }
    trouble.isSuspect = kind === 'lost'
    const attempts = ++trouble.failures
    trouble.waits = 0
    trouble.reason = reasonOf(thrown)
    if (kind === 'permanent' || attempts >= retry.attemptsMax) {
      trouble.burial = { thrown, attempts }
      return bury(record, { messageId: message.id, type: message.type, thrown, attempts })
    }
    const retryAfterMs = backoffMs(attempts, retry.backoff, Math.random())
    instruments.failures.add(1)
    logger.warn(
      {
        ...fieldsOf(record),
        messageId: message.id,
        type: message.type,
        attempt: attempts,
        retryAfterMs,
        err: thrown,
      },
      'handling a message failed; it is tried again',
    )
    return { retryAfterMs }
  }

  const postponed = (
    record: ReceivedRecord,
    { id: messageId, type }: ReceivedMessage,
    thrown: unknown,
  ): Handled => {
    const retryAfterMs = postponedMs(thrown) ?? 0
    troubles.begin(placeOf(record), record.offset).reason = reasonOf(thrown)
    const fields = { ...fieldsOf(record), messageId, type, retryAfterMs, reason: reasonOf(thrown) }
    logger.info(fields, 'a handler wants a message later')
    return { retryAfterMs }
  }

  const bury = async (record: ReceivedRecord, about: Burial): Promise<Handled> => {
    const letter = deadLetterOf(record, { group, order, ...about })
    let buried: boolean
    try {
      buried = await transactions.run(async ({ tx }) => {
        const claimed = await inbox.bury(tx, letter)
        await signals.reach(`${kind}.deadletter.before`)
        return claimed
      })
    } catch (thrown) {
      // Whatever it is, going on without the dead letter would lose the message.
      return waits(record, thrown)
    }
    await signals.reach(`${kind}.deadletter.after`)
    const { messageId, type, reasonCode, reason, attempts } = letter
    const fields = { ...fieldsOf(record), messageId, type, code: reasonCode, reason, attempts }
    if (buried) instruments.deadLetters.add(1)
    if (buried && reasonCode === 'KEY_HELD')
      logger.info(fields, 'put a message behind the dead letters of its key')
    else if (buried) logger.error(fields, 'put a message among the dead letters')
    else logger.info(fields, 'passed over a message that was handled before')
    return 'done'
  }

  const waits = (record: ReceivedRecord, thrown: unknown): Handled => {
    const trouble = troubles.begin(placeOf(record), record.offset)
    const retryAfterMs = backoffMs(++trouble.waits, waitBackoff, Math.random())
    instruments.failures.add(1)
    announce(record, trouble, thrown, retryAfterMs)
    trouble.reason = reasonOf(thrown)
    return { retryAfterMs }
  }

  /** One line for the first wait; the waits after it say nothing new. */
  const announce = (
    record: ReceivedRecord,
    trouble: Trouble,
    thrown: unknown,
    retryAfterMs: number,
  ): void => {
    const code = isBackstitchError(thrown) ? thrown.code : undefined
    const fields = { ...fieldsOf(record), code, reason: reasonOf(thrown), retryAfterMs }
    if (code === 'STOP_DEADLINE_PASSED') logger.info(fields, 'left a message to its next owner')
    else if (trouble.waits === 1)
      logger.warn(fields, 'a partition waits; nothing is lost, and it goes on by itself')
    else logger.debug(fields, 'a partition still waits')
  }

  const goesOn = (record: ReceivedRecord): void => {
    if (troubles.end(placeOf(record))) logger.info(fieldsOf(record), 'a partition goes on')
  }

  return {
    onBatch: async (batch) => {
      try {
        return await onBatch(batch)
      } catch (thrown) {
        logger.error({ topic: batch.topic, partition: batch.partition, err: thrown }, 'a batch failed')
        const nextOffset = batch.records[0]?.offset ?? batch.highWatermark
        return { kind: 'retryAfter', retryAfterMs: waitBackoff.maxMs, nextOffset }
      }
    },
    trouble: (held) => troubles.reason(held),
  }
}

function placeOf({ topic, partition }: ReceivedRecord): string {
  return `${topic}/${partition}`
}

function fieldsOf({ topic, partition, offset }: ReceivedRecord): {
  topic: string
  partition: number
  offset: string
} {
  return { topic, partition, offset: String(offset) }
}
