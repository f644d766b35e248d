import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import { sagaWriter } from '../transition/saga-writer.ts'
import { foldMessages } from './fold-messages.ts'
import { sagaIdsOf } from './message-applier.ts'
import { readSagaRecord } from './read-saga-record.ts'
import { reportFold } from './report-fold.ts'
import type { SagaWork } from './saga-work.ts'
import { writeOutcome } from '../transition/write-outcome.ts'

const pageSize = 100

/** How far a page came. `last` is the id to go on after. */
type Page = { readonly last: string | undefined; readonly isLast: boolean }

/**
 * Makes the function that takes up messages which were set aside for a definition that this process has. Each is applied and deleted in one
 * transaction; several processes may do this at the same time. What this process cannot move either stays where it is.
 */
export function setAsideDesk(work: SagaWork): (signal: AbortSignal) => Promise<void> {
  const { group, store, transactions, registry, machine, encoding, signals, logger } = work

  const takeUp = async (
    after: string | undefined,
    limit: number,
    failWith?: BackstitchError,
  ): Promise<Page> => {
    const writer = sagaWriter(encoding)
    const { outcome, page, applied } = await transactions.run(async ({ tx }) => {
      const records = await store.lockSetAside(tx, registry.names, { after, limit })
      const messages = records.map(({ record }) => readSagaRecord(record, encoding))
      const { instances } = await store.receive(tx, [], sagaIdsOf(messages))
      const tools = { group, registry, machine, writer, ...(failWith && { failWith }) }
      const folded = foldMessages(messages, { instances, isFresh: () => true }, tools)
      const kept = new Set(folded.setAside.map(({ messageId }) => messageId))
      const dropped = records.filter(({ messageId }) => !kept.has(messageId))
      await writeOutcome(store, tx, writer, { deadLetters: folded.deadLetters, setAside: [] })
      if (dropped.length > 0)
        await store.dropSetAside(
          tx,
          dropped.map(({ messageId, record }) => ({ source: record.topic, id: messageId })),
        )
      if (dropped.length > 0) await signals.reach('orchestrator.aside.before')
      const page = { last: records.at(-1)?.messageId, isLast: records.length < limit }
      return { outcome: { ...folded, setAside: [] }, page, applied: dropped.length }
    })
    if (applied > 0) await signals.reach('orchestrator.aside.after')
    work.committed(writer)
    reportFold(logger, outcome)
    if (applied > 0) logger.info({ messages: applied }, 'took up messages that were set aside')
    return page
  }

  return async (signal) => {
    let after: string | undefined
    let limit = pageSize
    let failWith: BackstitchError | undefined
    while (!signal.aborted) {
      try {
        const { last, isLast } = await takeUp(after, limit, failWith)
        if (isLast) return
        after = last
        failWith = undefined
      } catch (thrown) {
        if (!store.isRefusal(thrown) || failWith) throw thrown
        // Found one by one; the one that it is about is then parked.
        if (limit === 1)
          failWith = new BackstitchError('SAGA_MESSAGE_FAILED', reasonOf(thrown), { cause: thrown })
        limit = 1
      }
    }
  }
}
