import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { GroupWorker } from '../../inbox/group-worker.ts'
import { troubleLedger } from '../../inbox/trouble-ledger.ts'
import type { BatchResult, ReceivedBatch, ReceivedRecord } from '../../transport/subscriber.ts'
import type { MessageApplier } from './message-applier.ts'
import { readSagaRecord } from './read-saga-record.ts'
import type { SagaWork } from './saga-work.ts'

/** While the surroundings do not work: soon enough after they do, and seldom enough until then. */
const waitBackoff: BackoffPolicy = { initialMs: 200, maxMs: 5_000, factor: 2 }

/**
 * Makes the worker of an orchestrator’s partitions: it applies their records in batches and commits the offsets after each. Partitions do
 * not wait for each other, and no message holds one up: only the surroundings do.
 *
 * @param recordsMax records that one transaction takes at most
 */
export function orchestratorWorker(work: SagaWork, applier: MessageApplier, recordsMax: number): GroupWorker {
  const { encoding, logger, signals } = work
  const troubles = troubleLedger()

  const onBatch = async (batch: ReceivedBatch): Promise<BatchResult> => {
    for (let from = 0; from < batch.records.length; from += recordsMax) {
      const records = batch.records.slice(from, from + recordsMax)
      const [first] = records
      const last = records.at(-1)
      if (!first || !last) break
      if (batch.signal.aborted) return { kind: 'retryAfter', retryAfterMs: 0, nextOffset: first.offset }
      try {
        await applier.apply(records.map((record) => readSagaRecord(record, encoding)))
      } catch (thrown) {
        return { kind: 'retryAfter', retryAfterMs: waits(first, thrown), nextOffset: first.offset }
      }
      if (troubles.end(placeOf(first))) logger.info(fieldsOf(first), 'a partition goes on')
      await signals.reach('orchestrator.offsets.before')
      const outcome = await batch.commit(last.offset + 1n)
      await signals.reach('orchestrator.offsets.after')
      if (outcome === 'stale') break
    }
    return { kind: 'done' }
  }

  /** One line for the first wait; the waits after it say nothing new. */
  const waits = (record: ReceivedRecord, thrown: unknown): number => {
    const trouble = troubles.begin(placeOf(record), record.offset)
    const retryAfterMs = backoffMs(++trouble.waits, waitBackoff, Math.random())
    trouble.reason = reasonOf(thrown)
    work.instruments?.failures.add(1)
    const code = isBackstitchError(thrown) ? thrown.code : undefined
    const fields = { ...fieldsOf(record), code, reason: trouble.reason, retryAfterMs }
    if (code === 'STOP_DEADLINE_PASSED') logger.info(fields, 'left messages to their next owner')
    else if (trouble.waits === 1)
      logger.warn(fields, 'a partition waits; nothing is lost, and it goes on by itself')
    else logger.debug(fields, 'a partition still waits')
    return retryAfterMs
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
