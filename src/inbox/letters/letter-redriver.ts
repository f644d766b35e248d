import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import type { Clock } from '../../kernel/clock.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { inTraceOf } from '../../message/trace-context.ts'
import type { SoloTurns } from '../attempts/solo-turns.ts'
import { storableStack } from '../dead-letter.ts'
import { postponedMs } from '../events/handler-verdict.ts'
import { failureKind } from '../failure.ts'
import type { GroupInstruments } from '../group-metrics.ts'
import type { GroupWork } from '../group-work.ts'
import type { Delivery } from '../record-reader.ts'
import type { RecordTransactions } from '../record-transaction.ts'
import type { DueLetter, LetterStore } from './letter-store.ts'
import { type WakeablePause, wakeablePause } from './wakeable-pause.ts'

/** What a redriver works with. */
export type LetterRedriverOptions<Target> = {
  readonly work: GroupWork<Target>
  readonly letters: LetterStore
  /** Of the process: a letter whose last try may have ended one runs beside no other suspect. */
  readonly turns?: SoloTurns
  readonly transactions: RecordTransactions
  /** For how long a letter that was taken is left alone by others: longer than a transaction can last. */
  readonly leaseMs: number
  /** How often a letter is tried, counted from when it was set to retrying, and how long to wait between. */
  readonly retry: { readonly attemptsMax: number; readonly backoff: BackoffPolicy }
  readonly instruments: GroupInstruments
  readonly logger: Logger
  readonly clock: Clock
  /** Letters in hand at the same time, each on a connection. Default 2. */
  readonly concurrencyMax?: number
  /** How long it sleeps at most. Default 1,000 ms. */
  readonly pauseMaxMs?: number
}

/** Hands the letters of a group to their handlers again when they are due. */
export type LetterRedriver = {
  /** Begins; more than once, or after `stop`, does nothing. */
  start(): void
  /** Finishes what is in hand. Never rejects. */
  stop(): Promise<void>
  /** Says that a letter will be due in so many milliseconds, so that it does not sleep past that. */
  expect(afterMs: number): void
}

const conflictsMax = 20
const conflictBackoff: BackoffPolicy = { initialMs: 2, maxMs: 100, factor: 2 }
const waitBackoff: BackoffPolicy = { initialMs: 200, maxMs: 5_000, factor: 2 }

/**
 * Makes a {@link LetterRedriver}. A letter is applied in a transaction that has no claim, for the letter holds it: its key and the letter are
 * locked, its handler’s effects written, the letter taken out. So it takes effect once, before anything that stands behind it in line, and
 * not at all when it was dropped meanwhile.
 *
 * Tries that fail count; after the last one, or when the message cannot be read, the letter is dead again. While the surroundings do not work
 * nothing is counted.
 */
export function letterRedriver<Target>(options: LetterRedriverOptions<Target>): LetterRedriver {
  const { work, letters, transactions, leaseMs, retry, instruments, logger, clock } = options
  const { concurrencyMax = 2, pauseMaxMs = 1_000 } = options
  const { group } = work
  const pauses = Array.from({ length: concurrencyMax }, () => wakeablePause(clock))
  const stopping = new AbortController()
  /** Letters whose handler lost its connection the last time: it may be their doing. */
  const suspects = new Set<string>()
  let running: Promise<unknown> | undefined
  let failures = 0

  const expect = (afterMs: number): void => {
    for (const pause of pauses) pause.wakeIn(afterMs)
  }

  /** One letter after the other: one that takes long holds up none of the other lanes. */
  const runLane = async (pause: WakeablePause): Promise<void> => {
    while (!stopping.signal.aborted) {
      pause.begin()
      await pause.for(await pollMs())
    }
  }

  /** Hands over a letter that is due. @returns how long there is nothing to do */
  const pollMs = async (): Promise<number> => {
    try {
      const { taken, untilDueMs } = await transactions.run(async ({ tx }) => {
        const due = await letters.takeDue(tx, group, { limit: 1, leaseMs })
        return { taken: due, untilDueMs: due.length > 0 ? 0 : await letters.untilDueMs(tx, group) }
      })
      for (const letter of taken) await redrive(letter)
      failures = 0
      if (taken.length > 0) return 0
      // what is due and was not taken is in somebody’s hands
      return Math.min(pauseMaxMs, untilDueMs === undefined ? pauseMaxMs : Math.max(50, Math.ceil(untilDueMs)))
    } catch (thrown) {
      const fields = { code: isBackstitchError(thrown) ? thrown.code : undefined, reason: reasonOf(thrown) }
      if (++failures === 1 && !stopping.signal.aborted)
        logger.warn(fields, 'dead letters that are due wait; they are handled once the database answers')
      else logger.debug(fields, 'dead letters that are due still wait')
      return backoffMs(failures, waitBackoff, Math.random())
    }
  }

  const redrive = async (letter: DueLetter): Promise<void> => {
    const release = letter.tries > 1 ? await options.turns?.take() : undefined
    try {
      await redriveOne(letter)
    } finally {
      release?.()
    }
  }

  const redriveOne = async (letter: DueLetter): Promise<void> => {
    if (letter.tries > retry.attemptsMax)
      return note(
        letter,
        new BackstitchError('MESSAGE_KILLS', `Letter ${letter.id}, each time that it was tried`),
      )
    const reading = work.read(letter.record)
    if (reading.kind === 'unreadable') return note(letter, reading.error)
    if (reading.kind === 'skipped')
      return note(letter, new BackstitchError('HANDLER_MISSING', `${letter.record.topic} in ${group}`))
    // an edited message, and one whose record has no id, is named by its letter
    const delivery = { ...reading, message: { ...reading.message, id: letter.messageId } }
    const trial = { inHandler: false }
    try {
      const applied = await applyThroughConflicts(letter, delivery, trial)
      suspects.delete(letter.id)
      const fields = fieldsOf(letter)
      if (!applied) return logger.info(fields, 'passed over a dead letter that was changed meanwhile')
      instruments.redriven.add(1)
      logger.info(fields, 'handled a dead letter')
    } catch (thrown) {
      await failed(letter, thrown, trial.inHandler)
    }
  }

  const applyThroughConflicts = async (
    letter: DueLetter,
    delivery: Delivery<Target>,
    trial: { inHandler: boolean },
  ): Promise<boolean> => {
    for (let conflicts = 1; ; conflicts++) {
      try {
        return await apply(letter, delivery, trial)
      } catch (thrown) {
        if (failureKind(thrown) !== 'conflict' || conflicts >= conflictsMax) throw thrown
        await clock.pause(backoffMs(conflicts, conflictBackoff, Math.random()))
      }
    }
  }

  const apply = async (
    letter: DueLetter,
    delivery: Delivery<Target>,
    trial: { inHandler: boolean },
  ): Promise<boolean> => {
    trial.inHandler = false
    return transactions.run(async ({ tx, signal, handling }) => {
      if (!(await letters.lock(tx, group, letter, work.lockOn?.(delivery)))) return false
      trial.inHandler = true
      const attempt = { attempt: letter.tries, signal }
      await handling(() => inTraceOf(delivery.message.context, () => work.apply(tx, [delivery], attempt)))
      trial.inHandler = false
      await letters.settle(tx, letter)
      return true
    })
  }

  const failed = async (letter: DueLetter, thrown: unknown, inHandler: boolean): Promise<void> => {
    const kind = failureKind(thrown, inHandler)
    if (kind === 'wait' || (kind === 'lost' && !suspects.has(letter.id))) {
      if (kind === 'lost') suspects.add(letter.id)
      logger.info({ ...fieldsOf(letter), reason: reasonOf(thrown) }, 'a dead letter that is due waits')
      return giveBack(letter, backoffMs(letter.tries, waitBackoff, Math.random()))
    }
    suspects.delete(letter.id)
    if (kind === 'postponed') return giveBack(letter, postponedMs(thrown) ?? 0)
    const isLast = kind === 'permanent' || letter.tries >= retry.attemptsMax
    await note(letter, thrown, isLast ? undefined : backoffMs(letter.tries, retry.backoff, Math.random()))
  }

  /** Notes a failed try. What cannot be noted is tried again after the lease. */
  const note = async (letter: DueLetter, thrown: unknown, retryAfterMs?: number): Promise<void> => {
    const reasonCode = isBackstitchError(thrown) ? thrown.code : 'HANDLER_FAILED'
    const reason = reasonOf(thrown)
    const stack = storableStack(thrown)
    const failure = { reasonCode, reason, ...(stack !== undefined && { stack }) }
    const again = retryAfterMs === undefined ? {} : { retryAfterMs }
    await transactions.run(({ tx }) => letters.fail(tx, letter, { ...failure, ...again }))
    const fields = { ...fieldsOf(letter), code: reasonCode, reason, ...again }
    instruments.failures.add(1)
    if (retryAfterMs === undefined) logger.error(fields, 'a dead letter failed again, and stays one')
    else logger.warn(fields, 'a dead letter failed again; it is tried again')
    if (retryAfterMs !== undefined) expect(retryAfterMs)
  }

  const giveBack = async (letter: DueLetter, afterMs: number): Promise<void> =>
    transactions.run(({ tx }) => letters.giveBack(tx, letter, afterMs))

  return {
    start: () => {
      if (!stopping.signal.aborted) running ??= Promise.all(pauses.map(runLane))
    },
    stop: async () => {
      stopping.abort()
      expect(0)
      await running
    },
    expect,
  }
}

function fieldsOf({ id, messageId, tries, record }: DueLetter): object {
  const { topic, partition, offset } = record
  return { letter: id, topic, partition, offset: String(offset), messageId, attempt: tries }
}
