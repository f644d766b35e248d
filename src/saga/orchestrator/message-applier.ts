import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import { deadLetterOf } from '../../inbox/dead-letter.ts'
import { silentGroupInstruments } from '../../inbox/group-metrics.ts'
import type { Claim } from '../saga-store.ts'
import { sagaWriter } from '../transition/saga-writer.ts'
import { type FoldOutcome, foldMessages } from './fold-messages.ts'
import { reportFold } from './report-fold.ts'
import type { SagaMessage } from './saga-message.ts'
import type { SagaWork } from './saga-work.ts'
import { writeOutcome } from '../transition/write-outcome.ts'
import { writeFailureOf } from './write-failure.ts'

/** Applies messages to their sagas. */
export type MessageApplier = {
  /**
   * Applies messages in their order, each once, in as few transactions as possible: one, unless something of them is refused.
   * @throws what the surroundings are to blame for: then the rest of the messages waits
   */
  apply(messages: readonly SagaMessage[]): Promise<void>
}

/** What loses against others so often alone is not served by haste. */
const conflictsMax = { together: 3, alone: 20 } as const
const conflictBackoff: BackoffPolicy = { initialMs: 2, maxMs: 100, factor: 2 }

/**
 * Makes a {@link MessageApplier}. A batch is one transaction of five statements: begin, claim and load (sent together), one write, commit.
 * A batch that the database refuses is halved until the message is found that it is about; only that one’s saga is parked, or it becomes
 * a dead letter. A batch that takes longer than a transaction may is halved too, until what is left is done in time.
 */
export function messageApplier(work: SagaWork): MessageApplier {
  const { group, store, transactions, registry, machine, encoding, signals, clock } = work
  const instruments = work.instruments ?? silentGroupInstruments

  const applyTogether = async (
    messages: readonly SagaMessage[],
    failWith?: BackstitchError,
  ): Promise<void> => {
    const writer = sagaWriter(encoding)
    const claims = claimsOf(messages)
    const sagaIds = sagaIdsOf(messages)
    const startedAtMs = performance.now()
    let fresh = 0
    const outcome = await transactions.run(async ({ tx }): Promise<FoldOutcome> => {
      const { fresh: unseen, instances } = await store.receive(tx, claims, sagaIds)
      fresh = unseen.size
      const folded = foldMessages(
        messages,
        { instances, isFresh: (id) => unseen.has(id) },
        { group, registry, machine, writer, ...(failWith && { failWith }) },
      )
      await writeOutcome(store, tx, writer, folded)
      await signals.reach('orchestrator.commit.before')
      return folded
    })
    instruments.handled.add(fresh)
    instruments.duplicates.add(messages.length - fresh)
    instruments.deadLetters.add(outcome.deadLetters.length)
    instruments.duration.record((performance.now() - startedAtMs) / 1_000)
    await signals.reach('orchestrator.commit.after')
    work.committed(writer)
    reportFold(work.logger, outcome)
  }

  const applyThroughConflicts = async (messages: readonly SagaMessage[]): Promise<void> => {
    const most = messages.length > 1 ? conflictsMax.together : conflictsMax.alone
    for (let conflicts = 1; ; conflicts++) {
      try {
        return await applyTogether(messages)
      } catch (thrown) {
        if (writeFailureOf(store, thrown) !== 'conflict' || conflicts >= most) throw thrown
        await clock.pause(backoffMs(conflicts, conflictBackoff, Math.random()))
      }
    }
  }

  const apply = async (messages: readonly SagaMessage[]): Promise<void> => {
    const [first] = messages
    if (!first) return
    try {
      await applyThroughConflicts(messages)
    } catch (thrown) {
      const failure = writeFailureOf(store, thrown)
      if (messages.length > 1 && failure !== 'surroundings') {
        const half = messages.length >> 1
        await apply(messages.slice(0, half))
        await apply(messages.slice(half))
      } else if (failure === 'refused') await applyRefused(first, thrown)
      else throw thrown
    }
  }

  /** What the message led to cannot be written, so it is not tried again: its saga is parked instead. */
  const applyRefused = async (message: SagaMessage, refusal: unknown): Promise<void> => {
    const place = `message ${message.head.id}: ${reasonOf(refusal)}`
    const failure = new BackstitchError('SAGA_MESSAGE_FAILED', place, { cause: refusal })
    try {
      await applyTogether([message], failure)
    } catch (thrown) {
      if (writeFailureOf(store, thrown) !== 'refused') throw thrown
      await bury(message, failure)
    }
  }

  /** The last resort: the message alone, without its saga. */
  const bury = async ({ record, head }: SagaMessage, thrown: BackstitchError): Promise<void> => {
    const letter = deadLetterOf(record, { group, messageId: head.id, thrown, attempts: 1 })
    await transactions.run(async ({ tx }) => {
      const { fresh } = await store.receive(tx, [{ source: record.topic, id: head.id }], [])
      if (fresh.size > 0) await store.deadLetter(tx, [letter])
      await signals.reach('orchestrator.commit.before')
    })
    await signals.reach('orchestrator.commit.after')
    instruments.deadLetters.add(1)
    reportFold(work.logger, { deadLetters: [letter], setAside: [], parked: [] })
  }

  return { apply }
}

/** Each message once, sorted, so that a process that claims the same ones in another order is no deadlock. */
function claimsOf(messages: readonly SagaMessage[]): readonly Claim[] {
  const byPlace = new Map(
    messages.map(({ record, head }) => [`${record.topic} ${head.id}`, { source: record.topic, id: head.id }]),
  )
  return [...byPlace].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim)
}

/** The sagas that messages are for, sorted. */
export function sagaIdsOf(messages: readonly SagaMessage[]): readonly string[] {
  return [...new Set(messages.flatMap((message) => (message.kind === 'reply' ? message.saga.id : [])))].sort()
}
