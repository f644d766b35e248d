import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import { sagaWriter } from '../transition/saga-writer.ts'
import { foldMessages } from './fold-messages.ts'
import { sagaIdsOf } from './message-applier.ts'
import { readSagaRecord } from './read-saga-record.ts'
import { reportFold } from './report-fold.ts'
import type { SagaWork } from './saga-work.ts'
import { writeOutcome } from '../transition/write-outcome.ts'
import { writeFailureOf } from './write-failure.ts'

const pageSize = 100

/** How far a page came. `last` is the id to go on after. */
type Page = { readonly last: string | undefined; readonly isLast: boolean }

/** A message that could not be applied. */
type Suspect = { readonly messageId: string; readonly failure: BackstitchError }

/**
 * Makes the function that takes up messages which were set aside for a definition that this process has. Each is applied and deleted in one
 * transaction; several processes may do this at the same time. What this process cannot move either stays where it is.
 */
export function setAsideDesk(work: SagaWork): (signal: AbortSignal) => Promise<void> {
  const { group, store, transactions, registry, machine, encoding, signals, logger } = work

  const takeUp = async (
    after: string | undefined,
    limit: number,
    seen: (messageId: string) => void,
    suspect?: Suspect,
  ): Promise<Page> => {
    const writer = sagaWriter(encoding)
    const { outcome, page, applied } = await transactions.run(async ({ tx }) => {
      const records = await store.lockSetAside(tx, registry.names, { after, limit })
      for (const { messageId } of records) seen(messageId)
      const messages = records.map(({ messageId, record }) =>
        readSagaRecord(record, { ...encoding, messageId }),
      )
      const { instances } = await store.receive(tx, [], sagaIdsOf(messages))
      // Another process may have taken the suspect meanwhile: then it is another message that comes first, an innocent one.
      const failWith = suspect && suspect.messageId === records[0]?.messageId ? suspect.failure : undefined
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
    let last = ''
    let suspect: Suspect | undefined
    const seen = (messageId: string): void => void (last = messageId)
    while (!signal.aborted) {
      try {
        const page = await takeUp(after, limit, seen, suspect)
        if (page.isLast) return
        after = page.last
        suspect = undefined
      } catch (thrown) {
        const kind = writeFailureOf(store, thrown)
        if (kind === 'too-much' && limit > 1) {
          limit = limit >> 1
          continue
        }
        if (kind !== 'refused') throw thrown
        // Found one by one; the one that it is about is then parked.
        if (limit > 1) limit = 1
        else if (suspect?.messageId !== last)
          suspect = {
            messageId: last,
            failure: new BackstitchError('SAGA_MESSAGE_FAILED', `message ${last}: ${reasonOf(thrown)}`, {
              cause: thrown,
            }),
          }
        else {
          // Not even its saga can be parked. It stays, and must not hold up those behind it.
          logger.error({ messageId: last, reason: reasonOf(thrown) }, 'cannot take up a message set aside')
          after = last
          suspect = undefined
        }
      }
    }
  }
}
